import type { EventDefinition } from '../contract/event.js'
import type { Message } from '../contract/message.js'
import type { TaskTarget } from '../contract/queue.js'
import type { CancelOptions, TaskHandle } from './ask/task-handle.js'
import type { FinishedTask } from './finished-task.js'
import type { TaskProgress } from './progress.js'
import type { ScheduleRule } from './schedules/rule.js'
import type { ScheduleInfo } from './schedules/schedules.js'
import type { Task } from './task.js'
import type {
  EnqueueAllOptions,
  EnqueuedTask,
  EnqueueOptions,
  EnqueueOutcome,
  RouteOptions,
  RunOptions,
  WorkerOptions,
} from './task-options.js'
import type { TaskStore } from './task-store.js'

/** Enqueues tasks, runs those that are registered here, returns results to the caller, and turns events into tasks. */
export interface TaskScheduler extends AsyncDisposable {
  /**
   * Makes this process a worker for the task. Before `start` the task is only noted; after it, the promise resolves once the worker runs.
   * Throws `MQ_DUPLICATE_TASK` if another task has the same name here.
   */
  register<Input, Result, Enqueued = Input>(task: Task<Input, Result, Enqueued>, options?: WorkerOptions): Promise<void>
  /**
   * Enqueues the task for each message of the topic. `toInput` makes the input, or returns `undefined` to enqueue nothing. The group is
   * `on.<task>`. The id of the task is `<message id>/<task>`, so a message that is delivered twice enqueues the same task. Like a worker,
   * a route begins with `start`. The task has the key of the message, so an `ordered` worker keeps its order.
   */
  route<Output, Input, Result, Enqueued = Input>(
    event: EventDefinition<unknown, Output>,
    task: Task<Input, Result, Enqueued>,
    toInput: (message: Message<Output>) => NoInfer<Enqueued> | undefined | Promise<NoInfer<Enqueued> | undefined>,
    options?: RouteOptions<Output>,
  ): Promise<void>
  route<Input, Result, Enqueued = Input>(
    topic: string,
    task: Task<Input, Result, Enqueued>,
    toInput: (message: Message) => NoInfer<Enqueued> | undefined | Promise<NoInfer<Enqueued> | undefined>,
    options?: RouteOptions,
  ): Promise<void>
  /** Enqueues the task for each enqueued run of another task. */
  route<Source, Given, Input, Result, Enqueued = Input>(
    source: TaskTarget<Source, Given>,
    task: Task<Input, Result, Enqueued>,
    toInput: (message: Message<Source>) => NoInfer<Enqueued> | undefined | Promise<NoInfer<Enqueued> | undefined>,
    options?: RouteOptions<Source>,
  ): Promise<void>
  /**
   * Enqueues the task at every tick of the rule, once for all replicas of the application that have the same schedule. The id of the task
   * is `<schedule>@<time>`. A schedule begins with `start`; the task need not be registered here.
   *
   * Each tick runs at least once. It may run once more each time the replica that owns the schedule fails; with a `store` it never does.
   * Throws `MQ_DUPLICATE_TASK` if another schedule has the same name here, and `MQ_INVALID_OPTION` if the rule cannot be followed. Throws
   * `MQ_INVALID_DATA` or `MQ_NOT_SERIALIZABLE` for a bad input. Throws `MQ_STORE_REQUIRED` if there is no store and the adapter has no
   * `orderedKeys`.
   */
  schedule<Input, Result, Enqueued = Input>(
    name: string,
    rule: ScheduleRule,
    task: Task<Input, Result, Enqueued>,
    input: NoInfer<Enqueued>,
  ): Promise<void>
  /** Removes this process from a schedule; other replicas go on. Resolves to false if there is no schedule of that name. */
  unschedule(name: string): Promise<boolean>
  /** Lists the schedules of this scheduler, the oldest first. */
  schedules(): readonly ScheduleInfo[]
  /** Starts all workers, routes and schedules. Resolves once all of them run. If one cannot start, none runs, and it rejects. */
  start(): Promise<void>
  /**
   * Stops all workers, routes and schedules as `Subscription.stop` does, and is final. This scheduler still enqueues tasks and waits for
   * replies, so requests that are being answered can end before `stop`. It always resolves.
   */
  stopWork(options?: { readonly timeoutMs?: number | undefined }): Promise<void>
  /**
   * Stops all workers as `Subscription.stop` does. Then every call that waits for a reply here rejects with `MQ_CLOSED`. It always
   * resolves, may be called twice, and is final.
   */
  stop(options?: { readonly timeoutMs?: number | undefined }): Promise<void>
  /**
   * Enqueues one run of the task: now, after `delayMs` or at a time. No worker need exist yet: the group of the workers is declared, so the
   * task waits for them. With `reply` it resolves to a handle.
   *
   * Rejects as `Queue.publish` does; `MQ_INVALID_DATA` describes what is wrong with the input. Rejects with `MQ_STORE_REQUIRED` for an
   * `idempotencyKey` without a store, and with `MQ_BACKPRESSURE` if 10,000 tasks wait for their reply. A task counts until it has ended,
   * a `result` of it has timed out, `replyTimeoutMs` are over, or its handle is told to `forget` it.
   */
  enqueue<Input, Result, Enqueued = Input>(
    task: Task<Input, Result, Enqueued>,
    input: NoInfer<Enqueued>,
    options: EnqueueOptions & { readonly reply: true },
  ): Promise<TaskHandle<Result>>
  enqueue<Input, Result, Enqueued = Input>(
    task: Task<Input, Result, Enqueued>,
    input: NoInfer<Enqueued>,
    options?: EnqueueOptions,
  ): Promise<EnqueuedTask>
  /**
   * Enqueues one run for each input, in their order. It is not atomic: the outcomes say, by index, what became of each. It rejects only if
   * the inputs are not a list or the options make no sense, with a `TypeError` or `MQ_INVALID_OPTION`.
   */
  enqueueAll<Input, Result, Enqueued = Input>(
    task: Task<Input, Result, Enqueued>,
    inputs: readonly NoInfer<Enqueued>[],
    options?: EnqueueAllOptions<NoInfer<Enqueued>>,
  ): Promise<readonly EnqueueOutcome[]>
  /** Enqueues the task and waits for its result. Rejects as both do. If the time is over, the task goes on; `cancel` ends it. */
  run<Input, Result, Enqueued = Input>(
    task: Task<Input, Result, Enqueued>,
    input: NoInfer<Enqueued>,
    options?: RunOptions,
  ): Promise<Result>
  /**
   * Resolves to how the task with this id has ended, whichever process has enqueued it. Resolves to undefined if the task has not ended,
   * or ended so long ago that the store has forgotten it. The result has its type if the task is given. Rejects as the store does, and
   * with `MQ_STORE_REQUIRED` if there is none.
   */
  result<Input, Result, Enqueued = Input>(
    id: string,
    task: Task<Input, Result, Enqueued>,
  ): Promise<FinishedTask<Result> | undefined>
  result(id: string): Promise<FinishedTask | undefined>
  /**
   * Resolves to the latest progress of the task with this id, whichever process has enqueued it or runs it. Resolves to undefined if no
   * run of it has reported anything, or if the store does not know the task. A retry that has not reported yet leaves the report of the
   * attempt before. After the end it is the last report, for as long as the store keeps how the task has ended; `result` says how.
   *
   * It is up to date by a tenth of a second and what the store takes. Rejects as the store does, and with `MQ_STORE_REQUIRED` if there
   * is none. Any store will do.
   */
  progress(id: string): Promise<TaskProgress | undefined>
  /**
   * Ends the task with this id. If it runs, its signal aborts. If it waits for a worker, for a retry or for its time, it does not run. It is
   * neither retried nor dead-lettered, and its caller gets `MQ_TASK_CANCELLED`. Resolves to false if there is nothing to cancel: the task
   * has ended, was cancelled before, or never existed. `result` says which. A store without `compareAndSet` cannot tell an id that never
   * existed.
   *
   * Without a store only a running task can be reached. Rejects with `MQ_STORE_REQUIRED` in that case, unless `onlyRunning` is set. Then it
   * resolves to true once every worker was asked, because none of them answers.
   */
  cancel(id: string, options?: CancelOptions): Promise<boolean>
  /**
   * Frees an idempotency key of the task, so that the next enqueue with it is a task of its own. A task that has the key goes on. Resolves
   * to false if the key was not held. Rejects with `MQ_STORE_REQUIRED` without a store, and with `MQ_NOT_SUPPORTED` if it has no `delete`.
   */
  forget<Input, Result, Enqueued = Input>(task: Task<Input, Result, Enqueued>, key: string): Promise<boolean>
  /** Adds a listener, and returns a function that removes it. */
  on<Name extends keyof SchedulerEvents>(name: Name, listener: (event: SchedulerEvents[Name]) => void): () => void
}

export interface SchedulerOptions {
  /** Remembers finished tasks, cancellations and keys. Every process with the same tasks needs the same store. Default: none. */
  readonly store?: TaskStore | undefined
  /** How long the store keeps how a task has ended. Default: an hour. */
  readonly resultTtlMs?: number | undefined
  /** How long a caller waits for a reply, in addition to the delay of its task. Default: an hour. */
  readonly replyTimeoutMs?: number | undefined
}

interface RunEvent {
  readonly task: string
  readonly id: string
  readonly attempt: number
}

export interface SchedulerEvents {
  /** A run in this process has returned. */
  completed: RunEvent & { readonly result: unknown }
  /** A run in this process has failed. The event `settled` of the queue says whether it is retried. */
  failed: RunEvent & { readonly error: unknown }
  /** A run in this process was cancelled, or did not begin because its task was cancelled before. */
  cancelled: RunEvent
}

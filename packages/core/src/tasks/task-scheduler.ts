import type { EventDefinition } from '../contract/event.js'
import type { SubscribeOptions } from '../contract/handler.js'
import type { Message } from '../contract/message.js'
import type { PublishOptions, PublishResult, Routed } from '../contract/publish-options.js'
import type { CancelOptions, TaskHandle } from './ask/handle.js'
import type { FinishedTask } from './finished-task.js'
import type { ScheduleRule } from './schedules/rule.js'
import type { ScheduleInfo } from './schedules/schedules.js'
import type { Task } from './task.js'
import type { TaskStore } from './task-store.js'
import type { StartRate } from './work/start-limit.js'

/** Enqueues tasks anywhere, runs them where they are registered, answers who asked, and turns events into tasks. */
export interface TaskScheduler extends AsyncDisposable {
  /**
   * Makes this process a worker for the task. Before `start` it is only noted; after it, it resolves once the worker runs.
   * Throws `MQ_DUPLICATE_TASK` for a name that another task has here.
   */
  register<Input, Result, Enqueued = Input>(task: Task<Input, Result, Enqueued>, options?: WorkerOptions): Promise<void>
  /**
   * Enqueues the task for each message of the topic: `toInput` makes its input, or returns `undefined` for none. The group is
   * `on.<task>`, the task's id `<message id>/<task>`, so that a message that comes twice asks for the same task. As with
   * `register`, it begins with `start`.
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
  /**
   * Enqueues the task at every tick of the rule, once over all replicas of the application that have the same schedule, with
   * `<schedule>@<time>` as its id. Begins with `start`; the task need not be registered here.
   *
   * Each tick runs at least once, and at most once more for each failure of the replica that owned the schedule; with a `store`
   * not even that. Throws `MQ_DUPLICATE_TASK` for a name that another schedule has here, `MQ_INVALID_OPTION` for a rule that
   * cannot be followed, `MQ_INVALID_DATA` or `MQ_NOT_SERIALIZABLE` for the input, and `MQ_STORE_REQUIRED` without a store on an
   * adapter without `orderedKeys`.
   */
  schedule<Input, Result, Enqueued = Input>(
    name: string,
    rule: ScheduleRule,
    task: Task<Input, Result, Enqueued>,
    input: NoInfer<Enqueued>,
  ): Promise<void>
  /** Takes this process out of a schedule; other replicas go on. False where there is none of that name. */
  unschedule(name: string): Promise<boolean>
  /** The schedules of this scheduler, the oldest first. */
  schedules(): readonly ScheduleInfo[]
  /** Starts all that was registered, routed and scheduled. Resolves once every worker runs; rejects, with none running, if one cannot. */
  start(): Promise<void>
  /**
   * Stops all workers as `Subscription.stop` does, then whoever waits for a reply here is told `MQ_CLOSED`. Always resolves. May
   * be called twice, and is final.
   */
  stop(options?: { readonly timeoutMs?: number }): Promise<void>
  /**
   * Asks for one run of the task, now, after `delayMs` or at a time. It need not be registered here, nor anywhere yet: its
   * workers' group is declared, so that it waits for them. With `reply` it resolves to a handle.
   *
   * Rejects as `Queue.publish` does; `MQ_INVALID_DATA` names what is wrong with the input. `MQ_STORE_REQUIRED` for an
   * `idempotencyKey` without a store, `MQ_BACKPRESSURE` when 10,000 replies are waited for.
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
   * Asks for one run for each input, in their order. Not atomic: the outcomes, by index, say what became of each. Rejects only
   * with a `TypeError` or `MQ_INVALID_OPTION` for what is no list or no options.
   */
  enqueueAll<Input, Result, Enqueued = Input>(
    task: Task<Input, Result, Enqueued>,
    inputs: readonly NoInfer<Enqueued>[],
    options?: EnqueueAllOptions<NoInfer<Enqueued>>,
  ): Promise<readonly EnqueueOutcome[]>
  /** `enqueue` and the result in one. Rejects as both do. A task whose time is over goes on; `cancel` ends it. */
  run<Input, Result, Enqueued = Input>(
    task: Task<Input, Result, Enqueued>,
    input: NoInfer<Enqueued>,
    options?: RunOptions,
  ): Promise<Result>
  /**
   * How the task with this id has ended, whoever asked for it, or undefined while it has not or once that is forgotten. With the
   * task, the result has its type. `MQ_STORE_REQUIRED` without a store; rejects as the store does.
   */
  result<Input, Result, Enqueued = Input>(
    id: string,
    task: Task<Input, Result, Enqueued>,
  ): Promise<FinishedTask<Result> | undefined>
  result(id: string): Promise<FinishedTask | undefined>
  /**
   * Ends the task with this id: where it runs, its signal aborts; where it waits, also for a retry or its time, it will not run.
   * It is neither retried nor dead-lettered, and whoever asked for it gets `MQ_TASK_CANCELLED`. False when it had ended before.
   *
   * Without a store only a running task can be reached: `MQ_STORE_REQUIRED`, unless `onlyRunning` says that this is meant.
   */
  cancel(id: string, options?: CancelOptions): Promise<boolean>
  /** Returns a function that takes the listener away again. */
  on<Name extends keyof SchedulerEvents>(name: Name, listener: (event: SchedulerEvents[Name]) => void): () => void
}

export interface SchedulerOptions {
  /** Remembers outcomes, cancellations and keys. Every process of the same tasks needs the same one. */
  readonly store?: TaskStore
  /** How long the store keeps outcomes. An hour where none is given. */
  readonly resultTtlMs?: number
  /** How long a reply is waited for at most, beyond the delay of its task. An hour where none is given. */
  readonly replyTimeoutMs?: number
}

/** `retry` and `timeoutMs` are the task's own. */
export interface WorkerOptions extends Pick<SubscribeOptions, 'concurrency' | 'ordered' | 'startFrom'> {
  /** No more runs than this begin here; the others wait in this process for their turn. */
  readonly rate?: StartRate
}

export type RouteOptions<Data = unknown> = Pick<
  SubscribeOptions,
  'concurrency' | 'ordered' | 'startFrom' | 'retry' | 'timeoutMs' | 'onLastFailure'
> & {
  /** As with `enqueue`: one run for all messages for which it gives the same key. */
  readonly idempotencyKey?: (message: Message<Data>) => string
}

export interface EnqueueOptions extends PublishOptions {
  /** Somebody here waits for the result. */
  readonly reply?: boolean
  /**
   * All enqueues of this task with the same key get the same id, and one of them is run. They should mean the same input. At
   * most 255 bytes. Needs a store.
   */
  readonly idempotencyKey?: string
  /** How long the key stands for that id. A day where none is given. */
  readonly idempotencyTtlMs?: number
  /** A run does not begin later than this after now: it is dead-lettered instead, with `MQ_TASK_EXPIRED`. */
  readonly expiresAfterMs?: number
  /** The same as a time. It is compared with the clock of the worker's machine. */
  readonly deadline?: Date
}

export interface RunOptions extends Omit<EnqueueOptions, 'reply' | 'timeoutMs'> {
  /** For the publish and the task together. 30 s where none is given. */
  readonly timeoutMs?: number
}

/** As `EnqueueOptions`; `id`, `key` and `idempotencyKey` are computed from each input. */
export interface EnqueueAllOptions<Input = unknown>
  extends Omit<EnqueueOptions, 'id' | 'key' | 'idempotencyKey' | 'reply'> {
  readonly id?: (input: Input, index: number) => string
  readonly key?: string | ((input: Input, index: number) => string)
  readonly idempotencyKey?: (input: Input, index: number) => string
}

export type EnqueuedTask = PublishResult

export type EnqueueOutcome =
  | { readonly status: 'stored'; readonly id: string; readonly routed: Routed }
  | { readonly status: 'rejected' | 'unknown'; readonly error: Error }

interface RunEvent {
  readonly task: string
  readonly id: string
  readonly attempt: number
}

export interface SchedulerEvents {
  /** A run in this process has returned. */
  completed: RunEvent & { readonly result: unknown }
  /** A run in this process has failed; whether it is retried, `Queue`'s `settled` tells. */
  failed: RunEvent & { readonly error: unknown }
  /** A run in this process was cancelled, or did not begin because it had been. */
  cancelled: RunEvent
}

import { createHash } from 'node:crypto'
import { createEmitter } from './emitter.js'
import { MqError } from './errors.js'
import type { EventDefinition } from './event.js'
import type { HandlerContext, SubscribeOptions, Subscription } from './handler.js'
import { withFields } from './log.js'
import type { Message } from './message.js'
import { requireName } from './names.js'
import { requireFunction } from './options.js'
import type { PublishOptions, PublishResult } from './publish-options.js'
import type { Queue } from './queue.js'
import { isSecondCopy } from './schedule/copies.js'
import type { ScheduleRule } from './schedule/rule.js'
import { createSchedules, type ScheduleInfo } from './schedule/schedules.js'
import { stopDeadline } from './subscriber.js'
import { requireTask, type Task } from './task.js'
import { requireStore, type TaskStore } from './task-store.js'

/** Enqueues tasks anywhere, runs them where they are registered, and turns events into tasks. */
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
    options?: RouteOptions,
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
   * at its workers not even that. Throws `MQ_DUPLICATE_TASK` for a name that another schedule has here, `MQ_INVALID_OPTION` for
   * a rule that cannot be followed, `MQ_INVALID_DATA` or `MQ_NOT_SERIALIZABLE` for the input, and `MQ_NOT_SUPPORTED` where a
   * schedule needs a store.
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
  /** Stops all workers as `Subscription.stop` does. Always resolves. May be called twice, and is final. */
  stop(options?: { readonly deadlineMs?: number }): Promise<void>
  /**
   * Asks for one run of the task, now, after `delayMs` or at a time. It need not be registered here. Rejects as
   * `Queue.publish` does; `MQ_INVALID_DATA` names what is wrong with the input.
   */
  enqueue<Input, Result, Enqueued = Input>(
    task: Task<Input, Result, Enqueued>,
    input: NoInfer<Enqueued>,
    options?: PublishOptions,
  ): Promise<EnqueuedTask>
  /** Returns a function that takes the listener away again. */
  on<Name extends keyof SchedulerEvents>(name: Name, listener: (event: SchedulerEvents[Name]) => void): () => void
}

export interface SchedulerOptions {
  /** What tasks remember beyond their messages; needed by what says so. */
  readonly store?: TaskStore
}

/** `retry` and `timeoutMs` are the task's own. */
export type WorkerOptions = Pick<SubscribeOptions, 'concurrency' | 'ordered' | 'startFrom'>
export type RouteOptions = Pick<SubscribeOptions, 'concurrency' | 'ordered' | 'startFrom' | 'retry' | 'timeoutMs'>
export type EnqueuedTask = PublishResult

export interface SchedulerEvents {
  /** A run in this process has returned. */
  completed: { readonly task: string; readonly id: string; readonly attempt: number; readonly result: unknown }
  /** A run in this process has failed; whether it is retried, `Queue`'s `settled` tells. */
  failed: { readonly task: string; readonly id: string; readonly attempt: number; readonly error: unknown }
}

const workers = 'workers'

const eventOf = <Input, Enqueued>(task: Task<Input, unknown, Enqueued>): EventDefinition<Enqueued, Input> => {
  requireTask(task)
  return { name: `task.${task.name}`, ...(task.input && { schema: task.input }) }
}

/** The workers' side needs a connected queue by `start`; enqueueing needs one at once. */
export function createScheduler(queue: Queue, options: SchedulerOptions = {}): TaskScheduler {
  const { store } = options
  if (store !== undefined) requireStore(store)
  const starters = new Map<string, () => Promise<Subscription>>()
  const subscriptions: Subscription[] = []
  const emitter = createEmitter<SchedulerEvents>(['completed', 'failed'], queue.log)
  let started: Promise<void> | undefined
  let stopped: Promise<void> | undefined

  const requireRunning = (): void => {
    if (stopped !== undefined) throw new MqError('MQ_CLOSED', 'The scheduler was stopped; make a new one')
  }
  const startOne = async (starter: () => Promise<Subscription>): Promise<void> => {
    const subscription = await starter()
    subscriptions.push(subscription)
    if (stopped !== undefined) await subscription.stop({ deadlineMs: 0 })
  }
  const add = async (name: string, what: string, starter: () => Promise<Subscription>): Promise<void> => {
    requireRunning()
    if (starters.has(name)) throw new MqError('MQ_DUPLICATE_TASK', `${what} is there already`)
    starters.set(name, starter)
    if (started === undefined) return
    await started
    try {
      await startOne(starter)
    } catch (error) {
      starters.delete(name)
      throw error
    }
  }
  const stopAll = async (options?: { readonly deadlineMs?: number }): Promise<void> => {
    await Promise.all(subscriptions.splice(0).map((subscription) => subscription.stop(options)))
  }

  const runner = (task: Task) => async (message: Message, context: HandlerContext) => {
    const { id, attempt, time, headers } = message
    const log = withFields(context.log, { task: task.name })
    if (await isSecondCopy(store, task.name, message)) return log.info('Passed over: another copy of this tick runs')
    const run = { id, task: task.name, attempt, time, headers, signal: context.signal, queue, log }
    let result: unknown
    try {
      result = await task.execute(message.data, run)
    } catch (error) {
      emitter.emit('failed', { task: task.name, id, attempt, error })
      throw error
    }
    emitter.emit('completed', { task: task.name, id, attempt, result })
  }

  const enqueue: TaskScheduler['enqueue'] = async (task, input, given) => queue.publish(eventOf(task), input, given)
  const schedules = createSchedules({ queue, store, enqueue })

  const scheduler: TaskScheduler = {
    async register(task, options = {}) {
      const event = eventOf(task)
      const { retry, timeoutMs } = task
      const own = {
        group: workers,
        ...(retry !== undefined && { retry }),
        ...(timeoutMs !== undefined && { timeoutMs }),
      }
      const starter = () => queue.subscribe(event, runner(task as Task), { ...options, ...own })
      await add(`task ${task.name}`, `A task named '${task.name}'`, starter)
    },
    async route(event: string | EventDefinition, task: Task, toInput: unknown, options: RouteOptions = {}) {
      requireTask(task)
      requireFunction(toInput, 'toInput')
      const topic = requireName(typeof event === 'string' ? event : event.name, 'topic')
      const handler = async (message: Message): Promise<void> => {
        const input: unknown = await (toInput as (message: Message) => unknown)(message)
        if (input !== undefined) await scheduler.enqueue(task, input, { id: routedId(message.id, task.name) })
      }
      const starter = () => queue.subscribe(event as EventDefinition, handler, { ...options, group: `on.${task.name}` })
      await add(`route ${topic} ${task.name}`, `A route from '${topic}' to '${task.name}'`, starter)
    },
    async schedule(name, rule, task, input) {
      requireRunning()
      const starter = await schedules.add(name, rule, task as Task, input)
      try {
        await add(scheduleKey(name), `A schedule named '${name}'`, starter)
      } catch (error) {
        await schedules.remove(name)
        throw error
      }
    },
    async unschedule(name) {
      starters.delete(scheduleKey(name))
      return schedules.remove(name)
    },
    schedules: () => schedules.list(),
    start() {
      started ??= (async () => {
        requireRunning()
        const results = await Promise.allSettled([...starters.values()].map(startOne))
        const failure = results.find((result) => result.status === 'rejected')
        if (failure === undefined) return
        await stopAll({ deadlineMs: 0 })
        throw failure.reason
      })().catch((error) => {
        started = undefined
        throw error
      })
      return started
    },
    async stop(options = {}) {
      // Before anything is stopped: a bad deadline must not leave workers behind that nobody can stop any more.
      stopDeadline(options, 0)
      stopped ??= stopAll(options)
      await stopped
    },
    enqueue,
    on: (name, listener) => emitter.on(name, listener),
    [Symbol.asyncDispose]: () => scheduler.stop(),
  }
  return scheduler
}

const scheduleKey = (name: string): string => `schedule ${name}`

const maxIdBytes = 255

/** Readable while it fits; the same message and task always give the same id. */
function routedId(messageId: string, task: string): string {
  const id = `${messageId}/${task}`
  return Buffer.byteLength(id) <= maxIdBytes ? id : createHash('sha256').update(id).digest('hex')
}

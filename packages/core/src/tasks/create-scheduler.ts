import { keysOf, refuseUnknown, requireOptions } from '../contract/checks/options.js'
import { requireDuration } from '../contract/checks/values.js'
import { requireShortText } from '../contract/names.js'
import type { Queue, Target } from '../contract/queue.js'
import { stopTimeout } from '../contract/stopping.js'
import type { RunStatement } from '../contract/transaction.js'
import { trackCauses } from '../publish/cause.js'
import { createEmitter, logListenerFailure } from '../queue/emitter.js'
import { createEnqueuer } from './ask/enqueue.js'
import { enqueueAll } from './ask/enqueue-all.js'
import { createReplies } from './ask/replies.js'
import { type CancelOptions, createTaskHandle, type TaskHandle } from './ask/task-handle.js'
import { createControl } from './control.js'
import { createRecords } from './records.js'
import { createRegistrations } from './registrations.js'
import { requireStore, storeRequired } from './require-store.js'
import { routeRegistration } from './routes.js'
import { createSchedules } from './schedules/schedules.js'
import { eventOf, requireTask, type Task } from './task.js'
import {
  type EnqueuedTask,
  type EnqueueOptions,
  type RouteOptions,
  type RunOptions,
  runOptionNames,
} from './task-options.js'
import type { SchedulerEvents, SchedulerOptions, TaskScheduler } from './task-scheduler.js'
import { workersGroup } from './wire.js'
import { createReplySender } from './work/reply-sender.js'
import { createWorker } from './work/worker.js'
import { requireWorkerOptions } from './work/worker-options.js'

const optionNames = keysOf<SchedulerOptions>()({ store: true, resultTtlMs: true, replyTimeoutMs: true })
const cancelOptionNames = keysOf<CancelOptions>()({ onlyRunning: true })
const eventNames = keysOf<SchedulerEvents>()({ completed: true, failed: true, cancelled: true })

const hourMs = 60 * 60 * 1000
const defaultRunMs = 30_000

/**
 * Creates a scheduler over a queue. The queue has to be connected before `start`, and before anything is enqueued.
 * Throws a `TypeError` or `MQ_INVALID_OPTION` if an option has a bad value.
 */
export function createScheduler(queue: Queue, options: SchedulerOptions = {}): TaskScheduler {
  const { store, keepMs, replyTimeoutMs } = settingsOf(options)
  trackCauses()
  const { log, clock } = queue
  const emitter = createEmitter<SchedulerEvents>(eventNames, (failure) => logListenerFailure(log, failure))
  const records = store === undefined ? undefined : createRecords({ store, log, keepMs })
  const control = createControl(queue)
  const recordsWithin = (transaction: RunStatement) =>
    store?.within && createRecords({ store: store.within(transaction), log, keepMs, isJoined: true })
  const enqueuer = createEnqueuer({ queue, records, recordsWithin })
  const registrations = createRegistrations()
  const describe = (taskName: string, id: string): string => {
    const named = `the task '${taskName}' (${id})`
    const isOnlyNoted = registrations.isOnlyNoted(`task ${taskName}`)
    return isOnlyNoted ? `${named}, which is registered here although start() was never called,` : named
  }
  const replies = createReplies({ queue, records, describe, timeoutMs: replyTimeoutMs })
  const hasStore = store !== undefined
  const parts = { queue, emitter, records, control, replies: createReplySender(queue) }

  async function ask<Result>(task: Task, input: unknown, given: EnqueueOptions) {
    await replies.open()
    const prepared = await enqueuer.prepare(task, input, given)
    const waiting = replies.expect({ id: prepared.id, taskName: task.name, delayMs: prepared.delayMs })
    try {
      const enqueued = await prepared.send(replies.instance)
      const cancel = (how?: CancelOptions): Promise<boolean> => scheduler.cancel(prepared.id, how)
      return createTaskHandle<Result>(enqueued, waiting, { clock, cancel })
    } catch (error) {
      waiting.release()
      throw error
    }
  }
  async function enqueue(task: Task, input: unknown, given: EnqueueOptions = {}): Promise<EnqueuedTask | TaskHandle> {
    requireOptions(given, 'The options of enqueue')
    if (given.reply === true) return ask(task, input, given)
    return (await enqueuer.prepare(task, input, given)).send()
  }

  // Copies of a tick may come when its task has failed already, so its key stays held.
  const enqueueTick = async (task: Task, input: unknown, given: EnqueueOptions) =>
    (await enqueuer.prepare(task, input, given, { keepsKey: true })).send()
  const schedules = createSchedules({ queue, records, enqueue: enqueueTick, registrations })

  /** Without a store nothing tells whether the task runs. */
  async function cancelRecorded(id: string, onlyRunning: boolean): Promise<boolean> {
    if (records === undefined) return true
    if (onlyRunning) return records.isOpen(id)
    const wasOpen = await records.cancel(id)
    if (wasOpen) await records.freeKey(id)
    return wasOpen
  }

  const scheduler: TaskScheduler = {
    async register(task, given = {}) {
      const event = eventOf(task)
      const { limit, subscribe } = requireWorkerOptions(task, given, queue)
      const { handle, lastFailure } = createWorker(task as Task, limit, parts)
      const own = {
        group: workersGroup,
        ...(task.retry !== undefined && { retry: task.retry }),
        onLastFailure: lastFailure,
      }
      await registrations.add(`task ${task.name}`, {
        what: `A task named '${task.name}'`,
        start: () => queue.subscribe(event, handle, { ...subscribe, ...own }),
        prerequisite: () => control.listen(),
      })
    },
    async route(event: Target, task: Task, toInput: unknown, options: RouteOptions<never> = {}) {
      const { name, ...registration } = routeRegistration(
        { event, task, toInput, options },
        { queue, hasStore, enqueue },
      )
      await registrations.add(name, registration)
    },
    schedule: (name, rule, task, input) => schedules.add({ name, rule, task: task as Task, input }),
    unschedule: (name) => schedules.remove(name),
    schedules: () => schedules.list(),
    start: () => registrations.start(),
    async stopWork(given = {}) {
      // Checked first: a bad timeoutMs must not leave workers running, because they are stopped only once.
      stopTimeout(given, 0)
      await registrations.stop(given)
    },
    async stop(given = {}) {
      await scheduler.stopWork(given)
      await replies.close()
    },
    enqueue: enqueue as TaskScheduler['enqueue'],
    enqueueAll: (task, inputs, given = {}) =>
      enqueueAll(inputs, given as never, (input, each) => enqueue(task as Task, input, each)),
    async run<Result>(task: unknown, input: unknown, given: RunOptions = {}) {
      requireOptions(given, 'The options of run')
      refuseUnknown(given, runOptionNames, 'run')
      const timeoutMs = requireDuration(given.timeoutMs ?? defaultRunMs, 'timeoutMs', 1)
      const endsAt = clock.monotonic() + timeoutMs
      const handle = await ask<Result>(task as Task, input, { ...given, timeoutMs, reply: true })
      try {
        return await handle.result({ timeoutMs: Math.max(0, endsAt - clock.monotonic()) })
      } finally {
        handle.forget()
      }
    },
    async result(id: string, task?: unknown) {
      if (task !== undefined) requireTask(task)
      requireShortText(id, 'id')
      if (records === undefined) throw storeRequired('The result of a task from elsewhere')
      return (await records.finishedTaskOf(id)) as never
    },
    async progress(id) {
      requireShortText(id, 'id')
      if (records === undefined) throw storeRequired('The progress of a task from elsewhere')
      return records.progress.read(id)
    },
    async cancel(id, given = {}) {
      requireShortText(id, 'id')
      requireOptions(given, 'The options of cancel')
      refuseUnknown(given, cancelOptionNames, 'cancel')
      if (given.onlyRunning !== true && records === undefined)
        throw storeRequired('Cancelling a task that may not run yet')
      const wasOpen = await cancelRecorded(id, given.onlyRunning === true)
      // Sent even if the task had ended, because a replay of it may be running.
      await control.cancelEverywhere(id)
      await replies.check(id)
      return wasOpen
    },
    async forget(task, key) {
      requireTask(task)
      requireShortText(key, 'idempotencyKey')
      if (records === undefined) throw storeRequired('Forgetting an idempotencyKey')
      return records.forget(task.name, key)
    },
    on: (name, listener) => emitter.on(name, listener),
    [Symbol.asyncDispose]: () => scheduler.stop(),
  }
  return scheduler
}

function settingsOf(options: SchedulerOptions) {
  requireOptions(options, 'The options of createScheduler')
  refuseUnknown(options, optionNames, 'createScheduler')
  if (options.store !== undefined) requireStore(options.store)
  return {
    store: options.store,
    keepMs: Math.ceil(requireDuration(options.resultTtlMs ?? hourMs, 'resultTtlMs', 1)),
    replyTimeoutMs: requireDuration(options.replyTimeoutMs ?? hourMs, 'replyTimeoutMs', 1),
  }
}

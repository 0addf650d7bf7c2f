import { stopTimeout } from '../consume/subscribe.js'
import { keysOf, refuseUnknown, requireDuration, requireFunction, requireOptions } from '../contract/checks.js'
import type { EventDefinition } from '../contract/event.js'
import type { HandlerContext } from '../contract/handler.js'
import type { Message } from '../contract/message.js'
import { requireName } from '../contract/names.js'
import type { Queue } from '../contract/queue.js'
import { keepCauses } from '../publish/cause.js'
import { requireShortText } from '../publish/publisher.js'
import { createEmitter } from '../queue/emitter.js'
import { createEnqueuer, eventOf } from './ask/enqueue.js'
import { enqueueAll } from './ask/enqueue-all.js'
import { type CancelOptions, createHandle, type TaskHandle } from './ask/handle.js'
import { createReplies } from './ask/replies.js'
import { createControl } from './control.js'
import { derivedId } from './derived-id.js'
import { createRecords, storeRequired } from './records.js'
import { requireStore } from './require-store.js'
import { createSchedules } from './schedules/schedules.js'
import { createStarters } from './starters.js'
import { requireTask, type Task } from './task.js'
import type {
  EnqueuedTask,
  EnqueueOptions,
  RouteOptions,
  RunOptions,
  SchedulerEvents,
  SchedulerOptions,
  TaskScheduler,
} from './task-scheduler.js'
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
 * The workers' side needs a connected queue by `start`; enqueueing needs one at once.
 * Throws a `TypeError` or `MQ_INVALID_OPTION` for options that make no sense.
 */
export function createScheduler(queue: Queue, options: SchedulerOptions = {}): TaskScheduler {
  const { store, keepMs, replyTimeoutMs } = settingsOf(options)
  keepCauses()
  const { log, clock } = queue
  const emitter = createEmitter<SchedulerEvents>(eventNames, log)
  const records = store === undefined ? undefined : createRecords({ store, log, keepMs })
  const control = createControl(queue)
  const replies = createReplies({ queue, records, timeoutMs: replyTimeoutMs })
  const enqueuer = createEnqueuer({ queue, records })
  const starters = createStarters()
  const parts = { queue, emitter, records, control, replies: createReplySender(queue) }

  async function ask<Result>(task: Task, input: unknown, given: EnqueueOptions) {
    await replies.open()
    const prepared = await enqueuer.prepare(task, input, given)
    const { pending, leave } = replies.expect(prepared.id, prepared.delayMs)
    try {
      const enqueued = await prepared.send(replies.instance)
      const cancel = (how?: CancelOptions): Promise<boolean> => scheduler.cancel(prepared.id, how)
      return { handle: createHandle<Result>(enqueued, pending, { clock, cancel }), leave }
    } catch (error) {
      leave()
      throw error
    }
  }
  async function enqueue(task: Task, input: unknown, given: EnqueueOptions = {}): Promise<EnqueuedTask | TaskHandle> {
    requireOptions(given, 'The options of enqueue')
    if (given.reply === true) return (await ask(task, input, given)).handle
    return (await enqueuer.prepare(task, input, given)).send()
  }

  const schedules = createSchedules({ queue, hasStore: store !== undefined, enqueue, starters })

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
      await starters.add(`task ${task.name}`, {
        what: `A task named '${task.name}'`,
        start: () => queue.subscribe(event, handle, { ...subscribe, ...own }),
        before: () => control.listen(),
      })
    },
    async route(event: string | EventDefinition, task: Task, toInput: unknown, given: RouteOptions<never> = {}) {
      requireTask(task)
      requireFunction(toInput, 'toInput')
      requireOptions(given, 'The options of route')
      const { idempotencyKey, ...subscribe } = given
      if (idempotencyKey !== undefined) {
        requireFunction(idempotencyKey, 'idempotencyKey')
        if (records === undefined) throw storeRequired('An idempotencyKey')
      }
      const topic = requireName(typeof event === 'string' ? event : event.name, 'topic')
      const handler = async (message: Message<never>, _: HandlerContext): Promise<void> => {
        const input: unknown = await (toInput as (message: Message) => unknown)(message)
        if (input === undefined) return
        const key = idempotencyKey === undefined ? {} : { idempotencyKey: idempotencyKey(message) }
        await enqueue(task, input, { id: derivedId(message.id, task.name), ...key })
      }
      await starters.add(`route ${topic} ${task.name}`, {
        what: `A route from '${topic}' to '${task.name}'`,
        start: () =>
          queue.subscribe(event as EventDefinition<unknown, never>, handler, {
            ...subscribe,
            group: `on.${task.name}`,
          }),
      })
    },
    schedule: (name, rule, task, input) => schedules.add({ name, rule, task: task as Task, input }),
    unschedule: (name) => schedules.remove(name),
    schedules: () => schedules.list(),
    start: () => starters.start(),
    async stop(given = {}) {
      // Before anything is stopped: a bad deadline must not leave workers behind that nobody can stop any more.
      stopTimeout(given, 0)
      await starters.stop(given)
      await replies.close()
    },
    enqueue: enqueue as TaskScheduler['enqueue'],
    enqueueAll: (task, inputs, given = {}) =>
      enqueueAll(inputs, given as never, (input, each) => enqueue(task as Task, input, each)),
    async run<Result>(task: unknown, input: unknown, given: RunOptions = {}) {
      requireOptions(given, 'The options of run')
      const timeoutMs = requireDuration(given.timeoutMs ?? defaultRunMs, 'timeoutMs', 1)
      const endsAt = clock.now() + timeoutMs
      const { handle, leave } = await ask<Result>(task as Task, input, { ...given, timeoutMs, reply: true })
      try {
        return await handle.result({ timeoutMs: Math.max(0, endsAt - clock.now()) })
      } finally {
        leave()
      }
    },
    async result(id: string, task?: unknown) {
      if (task !== undefined) requireTask(task)
      requireShortText(id, 'id')
      if (records === undefined) throw storeRequired('The result of a task from elsewhere')
      const outcome = await records.finishedTaskOf(id)
      return outcome as never
    },
    async cancel(id, given = {}) {
      requireShortText(id, 'id')
      requireOptions(given, 'The options of cancel')
      refuseUnknown(given, cancelOptionNames, 'cancel')
      if (given.onlyRunning !== true && records === undefined)
        throw storeRequired('Cancelling a task that may not run yet')
      const wasInTime = given.onlyRunning === true || (await records?.cancel(id)) === true
      // Also one that had ended: a replay of it may be running.
      await control.tell(id)
      await replies.look(id)
      return wasInTime
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

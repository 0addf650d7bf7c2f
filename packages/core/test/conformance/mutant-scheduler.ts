import { randomUUID } from 'node:crypto'
import type { HandlerContext, OnLastFailure, SubscribeOptions } from '../../src/contract/handler.js'
import type { Message } from '../../src/contract/message.js'
import type { PublishOptions } from '../../src/contract/publish-options.js'
import type { Queue } from '../../src/contract/queue.js'
import { createScheduler } from '../../src/tasks/create-scheduler.js'
import type { ScheduleRule } from '../../src/tasks/schedules/rule.js'
import type { Task } from '../../src/tasks/task.js'
import type { SchedulerOptions, TaskScheduler } from '../../src/tasks/task-scheduler.js'
import type { TaskStore } from '../../src/tasks/task-store.js'
import type { Faulty } from './broker/mutation.js'

/** Creates a scheduler with one planted fault: at its queue, at its store, or at its own methods. */
export function createFaultyScheduler(queue: Queue, options: SchedulerOptions, faulty: Faulty): TaskScheduler {
  const { store } = options
  const changed = { ...options, ...(store !== undefined && { store: faultyStore(store, faulty) }) }
  return faultyMethods(createScheduler(faultyQueue(queue, faulty), changed), faulty)
}

type Any = Record<string, unknown>

function faultyQueue(queue: Queue, faulty: Faulty): Queue {
  const publish = async (target: { name: string } | string, data: unknown, given: PublishOptions = {}) => {
    const topic = typeof target === 'string' ? target : target.name
    const nothing = { id: given.id ?? 'none', routed: 'yes' } as const
    if (topic === 'task-control' && faulty('taskCancelNotSent')) return nothing
    if (topic === 'task.completed' && faulty('taskEventLost')) return nothing
    if (topic === 'task-replies') {
      const text = Buffer.from(data as Uint8Array).toString()
      const isProgress = text.includes('"status":"progress"')
      if (isProgress ? faulty('taskProgressLost') : faulty('taskReplyLost')) return nothing
      return queue.publish(topic, Buffer.from(changedReply(text, faulty)), given)
    }
    const tick = given.headers?.['schedule-tick']
    if (tick !== undefined && Date.parse(tick) % 1_000 === 0 && faulty('taskTicksLost')) return nothing
    const extensions: Record<string, string> = { ...given.extensions }
    if (faulty('taskDeadlineIgnored')) delete extensions.taskdeadline
    if (faulty('taskCauseOwn')) extensions.causationid = 'itself'
    if (tick !== undefined && faulty('taskTicksDoubled')) {
      await queue.publish(topic, data, { ...given, extensions, id: `${given.id} again` })
    }
    return queue.publish(target as string, data, { ...given, extensions })
  }
  const subscribe = (target: unknown, handler: unknown, given: SubscribeOptions) => {
    const stays = target === 'task-replies' && faulty('taskReplyPlaceStays')
    const options = stays ? { group: `replies-${randomUUID()}` } : given
    return queue.subscribe(target as string, ...faultyWorker(handler as Handler, options, faulty))
  }
  const replaced: Any = {
    publish,
    subscribe,
    declareGroup: async (...given: Parameters<Queue['declareGroup']>) =>
      faulty('taskLostWithoutWorker') ? undefined : queue.declareGroup(...given),
    on: (name: string, listener: unknown) =>
      name === 'state' && faulty('taskAskerHangs') ? () => {} : queue.on(name as 'error', listener as never),
  }
  return new Proxy(queue, { get: (target, name) => replaced[name as string] ?? Reflect.get(target, name) })
}

function changedReply(text: string, faulty: Faulty): string {
  const reply = JSON.parse(text) as Any & { step?: Any; failure?: Any }
  if (faulty('taskResultLost')) delete reply.result
  if (reply.failure !== undefined && faulty('taskErrorCodeLost')) delete reply.failure.code
  if (reply.failure !== undefined && faulty('taskAttemptsWrong')) reply.failure.attempts = 1
  if (reply.step !== undefined && faulty('taskProgressNoteLost')) delete reply.step.note
  if (reply.step !== undefined && faulty('taskLastStepLost')) delete reply.step
  return JSON.stringify(reply)
}

type Handler = (message: Message, context: HandlerContext) => Promise<void>

function faultyWorker(handler: Handler, given: SubscribeOptions, faulty: Faulty): [Handler, SubscribeOptions] {
  const { onLastFailure, ...rest } = given
  if (onLastFailure === undefined) return [handler, given]
  const changed: Handler = async (message, context) => {
    try {
      await handler(message, context)
    } catch (error) {
      if (faulty('taskFailureAtOnce')) await reportEarly(onLastFailure, message, context)
      if (faulty('taskExpiredDropped') && (error as { code?: string }).code === 'MQ_TASK_EXPIRED') return
      if (faulty('taskUnserializableRetried') && (error as { code?: string }).code === 'MQ_NOT_SERIALIZABLE') {
        throw new Error('tried again')
      }
      throw error
    }
  }
  return [changed, faulty('taskFailureNotReported') ? rest : { ...rest, onLastFailure }]
}

async function reportEarly(hook: OnLastFailure, message: Message, context: HandlerContext): Promise<void> {
  const { id, topic, headers, extensions, data, attempt } = message
  const failure = { reason: 'error', error: { name: 'Error', message: 'early' }, attempts: attempt } as const
  const early = { ...failure, firstFailedAt: 0, failedAt: 0 }
  await hook({ id, topic, headers, extensions, tombstone: false, data, failure: early }, context)
}

function faultyStore(store: TaskStore, faulty: Faulty): TaskStore {
  const isCancelled = (key: string, value: string): boolean =>
    key.startsWith('outcome/') && value.includes('"cancelled"')
  return {
    ...store,
    async claim(key, value, given) {
      if (key.startsWith('progress/') && faulty('taskProgressNotStored')) return value
      if (key.startsWith('once/') && faulty('taskKeyForgotten')) return value
      if (key.startsWith('once/') && faulty('taskKeyForever')) return store.claim(key, value, { ttlMs: 3_600_000 })
      return store.claim(key, value, given)
    },
    async compareAndSet(key, value, given) {
      if (key.startsWith('progress/') && faulty('taskProgressNotStored')) return true
      if (isCancelled(key, value) && faulty('taskCancelForgotten')) return true
      if (key.startsWith('outcome/') && !isCancelled(key, value) && faulty('taskOutcomeForgotten')) return true
      if (isCancelled(key, value) && faulty('taskCancelOverrides')) {
        await store.put(key, value, given)
        return true
      }
      return (await store.compareAndSet?.(key, value, given)) === true
    },
  }
}

function faultyMethods(scheduler: TaskScheduler, faulty: Faulty): TaskScheduler {
  const changed: Any = {
    register(task: Task, { rate, ...given }: { rate?: unknown } = {}) {
      const { timeoutMs, ...untimed } = task
      const own = { ...(faulty('taskTimeoutIgnored') ? untimed : task) }
      if (faulty('taskProgressThrows')) own.execute = withThrowingProgress(task)
      const options = faulty('taskRateIgnored') ? given : { ...given, ...(rate !== undefined && { rate }) }
      return scheduler.register(own as Task, options as object)
    },
    schedule(name: string, rule: { everyMs?: number }, task: Task, input: unknown) {
      const isShifted = rule.everyMs !== undefined && faulty('taskTicksShifted')
      const own = isShifted ? { ...rule, everyMs: (rule.everyMs as number) + 1 } : rule
      const scheduling = scheduler.schedule(name, own as ScheduleRule, task, input)
      return faulty('taskRuleUnchecked') ? scheduling.catch(() => {}) : scheduling
    },
    async enqueueAll(...given: Parameters<TaskScheduler['enqueueAll']>) {
      const outcomes = await scheduler.enqueueAll(...given)
      const failed = outcomes.find((outcome) => outcome.status !== 'stored')
      if (failed !== undefined && faulty('taskListRejects')) throw new Error('One of them was refused')
      return faulty('taskListSorted')
        ? [...outcomes].sort((one, other) => one.status.localeCompare(other.status))
        : outcomes
    },
  }
  return new Proxy(scheduler, { get: (target, name) => changed[name as string] ?? Reflect.get(target, name) })
}

const withThrowingProgress =
  (task: Task): Task['execute'] =>
  (input, context) =>
    task.execute(input, {
      ...context,
      signal: context.signal,
      progress: () => {
        throw new Error('There is no listener')
      },
    })

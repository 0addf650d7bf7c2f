import { describe, expectTypeOf, it } from 'vitest'
import {
  type CancelOptions,
  type CronRule,
  createScheduler,
  type DataOf,
  defineEvent,
  defineForeignTopic,
  defineTask,
  type EnqueueAllOptions,
  type EnqueueOptions,
  type IntervalRule,
  isMqError,
  type Message,
  type MqErrorOptions,
  type PublishAllOptions,
  type PublishedDataOf,
  type PublishOptions,
  type Queue,
  type QueueOptions,
  type RetryLaterOptions,
  type RetryOptions,
  type RouteOptions,
  type RunOptions,
  type SchedulerOptions,
  type SubscribeOptions,
  type TaskFailure,
  type TombstoneOptions,
  type TombstoneSubscribeOptions,
  type WorkerOptions,
} from '../src/index.js'

declare const queue: Queue
declare const message: Message

/** The names of the properties that may be left out. */
type Optional<Options> = { [Name in keyof Options]-?: object extends Pick<Options, Name> ? Name : never }[keyof Options]

/** The options with undefined for all that may be left out. Under `exactOptionalPropertyTypes` that is another type. */
type Emptied<Options> = Omit<Options, Optional<Options>> & Record<Optional<Options>, undefined>

describe('options, under exactOptionalPropertyTypes', () => {
  it('take undefined for all that may be left out', () => {
    expectTypeOf<Emptied<PublishOptions>>().toExtend<PublishOptions>()
    expectTypeOf<Emptied<PublishAllOptions>>().toExtend<PublishAllOptions>()
    expectTypeOf<Emptied<TombstoneOptions>>().toExtend<TombstoneOptions>()
    expectTypeOf<Emptied<SubscribeOptions>>().toExtend<SubscribeOptions>()
    expectTypeOf<Emptied<TombstoneSubscribeOptions>>().toExtend<TombstoneSubscribeOptions>()
    expectTypeOf<Emptied<QueueOptions>>().toExtend<QueueOptions>()
    expectTypeOf<Emptied<RetryOptions>>().toExtend<RetryOptions>()
    expectTypeOf<Emptied<RetryLaterOptions>>().toExtend<RetryLaterOptions>()
    expectTypeOf<Emptied<MqErrorOptions>>().toExtend<MqErrorOptions>()
    expectTypeOf<Emptied<EnqueueOptions>>().toExtend<EnqueueOptions>()
    expectTypeOf<Emptied<EnqueueAllOptions>>().toExtend<EnqueueAllOptions>()
    expectTypeOf<Emptied<RunOptions>>().toExtend<RunOptions>()
    expectTypeOf<Emptied<RouteOptions>>().toExtend<RouteOptions>()
    expectTypeOf<Emptied<WorkerOptions>>().toExtend<WorkerOptions>()
    expectTypeOf<Emptied<CancelOptions>>().toExtend<CancelOptions>()
    expectTypeOf<Emptied<SchedulerOptions>>().toExtend<SchedulerOptions>()
    expectTypeOf<Emptied<CronRule>>().toExtend<CronRule>()
    expectTypeOf<Emptied<IntervalRule>>().toExtend<IntervalRule>()
    // @ts-expect-error: the test tells types apart that take no undefined
    expectTypeOf<Emptied<{ readonly a?: number }>>().toExtend<{ readonly a?: number }>()
  })

  it('take undefined in calls and definitions too', () => {
    queue.publish('t', 1, { key: message.key })
    queue.disconnect({ timeoutMs: undefined })
    queue.declareGroup('t', 'g', { startFrom: undefined })
    queue.deadLetters('t').list({ limit: undefined })
    createScheduler(queue).stop({ timeoutMs: undefined })
    defineEvent<{ a: number }>('a', { schema: undefined, key: undefined })
    defineForeignTopic('a', { at: 'b', decode: undefined, schema: undefined })
    const open = { retry: undefined, timeoutMs: undefined, events: undefined }
    defineTask({ name: 'a', input: undefined, ...open, execute: (input: number) => input })
  })
})

describe('the helper types', () => {
  it('know the data of an event', () => {
    const event = defineEvent<{ a: number }>('a')
    expectTypeOf<DataOf<typeof event>>().toEqualTypeOf<{ a: number }>()
    expectTypeOf<PublishedDataOf<typeof event>>().toEqualTypeOf<{ a: number }>()
    const text = defineForeignTopic('b', { at: 'c', decode: 'text' })
    expectTypeOf<DataOf<typeof text>>().toEqualTypeOf<string>()
  })

  it('know that a failed task has a failure', () => {
    const error: unknown = undefined
    if (isMqError(error, 'MQ_TASK_FAILED')) expectTypeOf(error.failure).toEqualTypeOf<TaskFailure>()
    if (isMqError(error)) expectTypeOf(error.failure).toEqualTypeOf<TaskFailure | undefined>()
    if (isMqError(error, 'MQ_CLOSED')) expectTypeOf(error.code).toEqualTypeOf<'MQ_CLOSED'>()
  })
})

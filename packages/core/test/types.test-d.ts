import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import type { decodeData } from '../src/adapter.js'
import {
  type Adapter,
  type createQueue,
  createScheduler,
  type DataOf,
  type DeadLetter,
  defineEvent,
  defineTask,
  type EnqueuedTask,
  type EventDefinition,
  type FinishedTask,
  type HandlerContext,
  isMqError,
  type Message,
  type MqError,
  type MqErrorCode,
  type openQueue,
  type PublishedDataOf,
  type PublishRequest,
  type PublishResult,
  type Queue,
  type QueueConfig,
  type QueueEvents,
  type SchedulerEvents,
  type Task,
  type TaskContext,
  type TaskFailure,
  type TaskHandle,
} from '../src/index.js'

declare const queue: Queue
const scheduler = createScheduler(queue)

const zodEvent = defineEvent('zod', {
  schema: z.object({ userId: z.string(), at: z.iso.datetime().transform((text) => new Date(text)) }),
})
const valibotEvent = defineEvent('valibot', {
  schema: v.object({ count: v.pipe(v.string(), v.transform(Number)), note: v.optional(v.string()) }),
})
const arkEvent = defineEvent('arktype', { schema: type({ size: 'string.numeric.parse', 'tag?': 'string' }) })

describe('defineEvent', () => {
  it('infers what is published and what is handled from a schema of zod', () => {
    expectTypeOf(zodEvent).toEqualTypeOf<
      EventDefinition<{ userId: string; at: string }, { userId: string; at: Date }>
    >()
  })

  it('infers them from a schema of valibot', () => {
    expectTypeOf(valibotEvent).toEqualTypeOf<
      EventDefinition<{ count: string; note?: string | undefined }, { count: number; note?: string | undefined }>
    >()
  })

  it('infers them from a schema of arktype', () => {
    expectTypeOf(arkEvent).toEqualTypeOf<
      EventDefinition<{ size: string; tag?: string }, { size: number; tag?: string }>
    >()
  })

  it('has helper types for what is published and what is handled', () => {
    expectTypeOf<PublishedDataOf<typeof zodEvent>>().toEqualTypeOf<{ userId: string; at: string }>()
    expectTypeOf<DataOf<typeof zodEvent>>().toEqualTypeOf<{ userId: string; at: Date }>()
    expectTypeOf<DataOf<typeof arkEvent>>().toEqualTypeOf<{ size: number; tag?: string }>()
  })

  it('takes the type of an event without a schema, and knows nothing where none is given', () => {
    expectTypeOf(defineEvent<{ a: number }>('a')).toEqualTypeOf<EventDefinition<{ a: number }>>()
    expectTypeOf(defineEvent('a')).toEqualTypeOf<EventDefinition<unknown>>()
  })

  it('types the data from which a key is computed as it is published', () => {
    defineEvent('a', {
      schema: z.object({ n: z.coerce.number<string>() }),
      key: (data) => {
        expectTypeOf(data).toEqualTypeOf<{ n: string }>()
        return data.n
      },
    })
    // @ts-expect-error: a key is a string
    defineEvent<{ n: number }>('a', { key: (data) => data.n })
  })
})

describe('publish', () => {
  it('takes what the schema takes', () => {
    expectTypeOf(queue.publish(zodEvent, { userId: '42', at: '2026-01-02T03:04:05Z' })).toEqualTypeOf<
      Promise<PublishResult>
    >()
    queue.publish('any.topic', { whatever: true })
    queue.publishAll(arkEvent, [{ size: '5' }], { id: (data, index) => data.size + index, key: ({ size }) => size })
  })

  it('refuses what does not match', () => {
    // @ts-expect-error: a field is missing
    queue.publish(zodEvent, { userId: '42' })
    // @ts-expect-error: the type of a field is wrong
    queue.publish(zodEvent, { userId: 42, at: '2026-01-02T03:04:05Z' })
    // @ts-expect-error: that is what is handled, not what is published
    queue.publish(valibotEvent, { count: 5 })
    // @ts-expect-error: no list
    queue.publishAll(valibotEvent, { count: '5' })
    // @ts-expect-error: one item of the list is wrong
    queue.publishAll(valibotEvent, [{ count: '5' }, { count: 5 }])
    // @ts-expect-error: no data
    queue.publish(zodEvent)
    // @ts-expect-error: a misspelt option
    queue.publish(valibotEvent, { count: '5' }, { delay: 5 })
    // @ts-expect-error: a header is a string
    queue.publish('t', 1, { headers: { a: 5 } })
  })
})

describe('subscribe', () => {
  it('gives a handler what the schema makes of the data', () => {
    queue.subscribe(zodEvent, (message, context) => {
      expectTypeOf(message).toEqualTypeOf<Message<{ userId: string; at: Date }>>()
      expectTypeOf(context).toEqualTypeOf<HandlerContext>()
    })
    queue.subscribe(valibotEvent, ({ data }) => expectTypeOf(data.count).toEqualTypeOf<number>())
    queue.subscribe(arkEvent, ({ data }) => expectTypeOf(data.size).toEqualTypeOf<number>())
    queue.subscribe(defineEvent<{ a: 1 }>('a'), ({ data }) => expectTypeOf(data).toEqualTypeOf<{ a: 1 }>())
  })

  it('knows nothing of the data of a topic that is a string', () => {
    queue.subscribe('user.created', (message) => {
      expectTypeOf(message).toEqualTypeOf<Message<unknown>>()
      // @ts-expect-error: it has to be looked at first
      message.data.userId
    })
  })

  it('gives null to a handler that has asked for tombstones, and to no other', () => {
    queue.subscribe(
      zodEvent,
      (message) => {
        // @ts-expect-error: it may be a tombstone
        message.data.userId
        if (message.tombstone) expectTypeOf(message.data).toEqualTypeOf<null>()
        else expectTypeOf(message.data).toEqualTypeOf<{ userId: string; at: Date }>()
      },
      { tombstones: true },
    )
    const expectsData = ({ data }: Message<{ userId: string; at: Date }>): string => data.userId
    queue.subscribe(zodEvent, expectsData, { tombstones: false })
    // @ts-expect-error: it expects data
    queue.subscribe(zodEvent, expectsData, { tombstones: true })
    queue.subscribe('user.created', (message: Message) => message.data, { tombstones: true })
  })

  it('publishes a tombstone with a key and without data', () => {
    queue.publishTombstone(zodEvent, 'k', { headers: { a: 'b' } })
    // @ts-expect-error: no key
    queue.publishTombstone(zodEvent)
    // @ts-expect-error: the key is an argument
    queue.publishTombstone(zodEvent, 'k', { key: 'k' })
  })

  it('gives nobody a message that can be changed', () => {
    queue.subscribe(zodEvent, (message) => {
      // @ts-expect-error: read-only
      message.id = 'other'
      // @ts-expect-error: read-only
      message.headers.a = 'b'
    })
  })

  it('refuses options that make no sense', () => {
    // @ts-expect-error: no such start
    queue.subscribe('t', () => {}, { startFrom: 'middle' })
    // @ts-expect-error: a misspelt option
    queue.subscribe('t', () => {}, { concurency: 5 })
    // @ts-expect-error: no handler
    queue.subscribe('t', { group: 'g' })
  })

  it('names a topic by its event wherever a topic is named', () => {
    queue.deadLetters(zodEvent)
    queue.stats(valibotEvent)
    queue.declareGroup(arkEvent, 'g')
    queue.deleteGroup(zodEvent, 'g')
  })
})

const mail = z.object({ to: z.email(), copies: z.number().default(1) })
const sendEmail = defineTask({
  name: 'send-email',
  input: mail,
  async execute(input, context) {
    expectTypeOf(input).toEqualTypeOf<{ to: string; copies: number }>()
    expectTypeOf(context).toEqualTypeOf<TaskContext>()
    return { status: 'success' as const, email: input.to }
  },
})

class NotifyTask implements Task<{ url: string }, number> {
  readonly name = 'notify'
  readonly #post: (url: string) => Promise<number>

  constructor(dependencies: { readonly post: (url: string) => Promise<number> }) {
    this.#post = dependencies.post
  }

  execute(input: { url: string }, context: TaskContext): Promise<number> {
    context.signal.throwIfAborted()
    return this.#post(input.url)
  }
}
const notify = new NotifyTask({ post: async () => 200 })

describe('isMqError', () => {
  it('says that the error of a task that failed has its parts', () => {
    const error: unknown = undefined
    if (isMqError(error, 'MQ_TASK_FAILED')) expectTypeOf(error.failure).toEqualTypeOf<TaskFailure>()
    if (isMqError(error, 'MQ_TIMEOUT')) expectTypeOf(error.failure).toEqualTypeOf<TaskFailure | undefined>()
    if (isMqError(error)) expectTypeOf(error).toEqualTypeOf<MqError>()
    const code = 'MQ_TIMEOUT' as MqErrorCode
    if (isMqError(error, code)) expectTypeOf(error.failure).toEqualTypeOf<TaskFailure | undefined>()
  })
})

describe('a task as a target', () => {
  it('is valid wherever a topic is named, with its own group', () => {
    queue.deadLetters(sendEmail)
    queue.deadLetters(notify, 'workers')
    queue.stats(sendEmail)
    queue.stats(notify, 'workers')
    queue.declareGroup(sendEmail)
    queue.declareGroup(sendEmail, 'workers', { startFrom: 'earliest' })
    queue.deleteGroup(notify)
    scheduler.route(sendEmail, notify, ({ data }) => {
      expectTypeOf(data).toEqualTypeOf<{ to: string; copies: number }>()
      return { url: data.to }
    })
  })

  it('gives a subscriber what its schema makes of the input, in a group that has to be named', () => {
    queue.subscribe(sendEmail, ({ data }) => expectTypeOf(data.copies).toEqualTypeOf<number>(), { group: 'audit' })
    queue.subscribe(notify, ({ data }) => expectTypeOf(data.url).toEqualTypeOf<string>(), { ephemeral: true })
    // @ts-expect-error: it would take runs away from the workers
    queue.subscribe(sendEmail, () => {})
    // @ts-expect-error: options that name no group
    queue.subscribe(sendEmail, () => {}, { concurrency: 5 })
  })

  it('cannot be published, because a scheduler enqueues it', () => {
    // @ts-expect-error: a task
    queue.publish(sendEmail, { to: 'ada@example.com' })
    // @ts-expect-error: a task of a class
    queue.publish(notify, { url: '/' })
    // @ts-expect-error: a task without a schema
    queue.publish(defineTask({ name: 'a', execute: (_: number) => {} }), 5)
    // @ts-expect-error: a list of them
    queue.publishAll(sendEmail, [{ to: 'ada@example.com' }])
    // @ts-expect-error: a group of an event has to be named
    queue.declareGroup(zodEvent)
    // @ts-expect-error: a group of an event has to be named
    queue.deleteGroup(zodEvent)
  })
})

describe('defineTask', () => {
  it('infers the input, what is enqueued, and the result', () => {
    expectTypeOf(sendEmail).toEqualTypeOf<
      Task<
        { to: string; copies: number },
        { status: 'success'; email: string },
        { to: string; copies?: number | undefined }
      >
    >()
    const plain = defineTask({ name: 'plain', execute: (input: { n: number }) => String(input.n) })
    expectTypeOf(plain).toEqualTypeOf<Task<{ n: number }, string>>()
  })

  it('refuses a task that is none', () => {
    // @ts-expect-error: no execute
    defineTask({ name: 'a' })
    // @ts-expect-error: that is not the input of the schema
    defineTask({ name: 'a', input: mail, execute: (input: { from: string }) => input.from })
  })
})

describe('a scheduler', () => {
  it('enqueues what the schema of the task takes', () => {
    scheduler.enqueue(sendEmail, { to: 'ada@example.com' })
    scheduler.enqueue(notify, { url: 'https://example.com' }, { delayMs: 5 })
    // @ts-expect-error: a field is missing
    scheduler.enqueue(sendEmail, { copies: 2 })
    // @ts-expect-error: the type of a field is wrong
    scheduler.enqueue(notify, { url: 5 })
  })

  it('registers tasks of every kind', () => {
    expectTypeOf(scheduler.register(sendEmail)).toEqualTypeOf<Promise<void>>()
    scheduler.register(notify, { concurrency: 5 })
    // @ts-expect-error: that is the task's own
    scheduler.register(notify, { retry: false })
  })

  it('routes an event to a task with the types of both', () => {
    scheduler.route(zodEvent, sendEmail, (message) => {
      expectTypeOf(message.data).toEqualTypeOf<{ userId: string; at: Date }>()
      return { to: message.data.userId }
    })
    scheduler.route(zodEvent, notify, async ({ data }) => (data.userId === '' ? undefined : { url: data.userId }))
    scheduler.route('any.topic', notify, (message) => {
      expectTypeOf(message.data).toEqualTypeOf<unknown>()
      return { url: message.id }
    })
    // @ts-expect-error: that is not the input of the task
    scheduler.route(zodEvent, sendEmail, ({ data }) => ({ from: data.userId }))
    // @ts-expect-error: a field has the wrong type
    scheduler.route('any.topic', notify, () => ({ url: 5 }))
  })

  it('schedules a task with the type of its input, by one kind of rule', () => {
    expectTypeOf(scheduler.schedule('daily', { everyMs: 1_000 }, notify, { url: 'x' })).toEqualTypeOf<Promise<void>>()
    scheduler.schedule('daily', { cron: '0 9 * * *', timeZone: 'UTC', missed: 'runOnce' }, notify, { url: 'x' })
    // @ts-expect-error: that is not the input of the task
    scheduler.schedule('daily', { everyMs: 1_000 }, notify, { url: 5 })
    // @ts-expect-error: an interval has no time zone
    scheduler.schedule('daily', { everyMs: 1_000, timeZone: 'UTC' }, notify, { url: 'x' })
    // @ts-expect-error: either the one or the other
    scheduler.schedule('daily', { everyMs: 1_000, cron: '0 9 * * *' }, notify, { url: 'x' })
    // @ts-expect-error: a rule is one of the two
    scheduler.schedule('daily', {}, notify, { url: 'x' })
    expectTypeOf(scheduler.schedules()[0]?.next).toEqualTypeOf<Date | undefined>()
  })

  it('answers with the type of the result, however it is asked for', () => {
    expectTypeOf(scheduler.enqueue(notify, { url: 'a' }, { reply: true })).toEqualTypeOf<Promise<TaskHandle<number>>>()
    expectTypeOf(scheduler.enqueue(notify, { url: 'a' }, { delayMs: 5 })).toEqualTypeOf<Promise<EnqueuedTask>>()
    expectTypeOf(scheduler.run(notify, { url: 'a' }, { timeoutMs: 5 })).toEqualTypeOf<Promise<number>>()
    expectTypeOf<Awaited<ReturnType<TaskHandle<number>['result']>>>().toEqualTypeOf<number>()
    expectTypeOf(scheduler.result('id', notify)).toEqualTypeOf<Promise<FinishedTask<number> | undefined>>()
    expectTypeOf(scheduler.result('id')).toEqualTypeOf<Promise<FinishedTask | undefined>>()
    expectTypeOf<Extract<FinishedTask, { status: 'completed' }>['result']>().toBeUnknown()
    // @ts-expect-error: that is not the input of the task
    scheduler.run(notify, { link: 'a' })
    // @ts-expect-error: the answer is what run is for
    scheduler.run(notify, { url: 'a' }, { reply: false })
  })

  it('computes what belongs to each input of a list from that input', () => {
    scheduler.enqueueAll(notify, [{ url: 'a' }], {
      id: (input, index) => {
        expectTypeOf(input).toEqualTypeOf<{ url: string }>()
        expectTypeOf(index).toEqualTypeOf<number>()
        return input.url
      },
      idempotencyKey: ({ url }) => url,
    })
    // @ts-expect-error: one of them is no input of the task
    scheduler.enqueueAll(notify, [{ url: 'a' }, { link: 'b' }])
  })

  it('types its events', () => {
    scheduler.on('completed', (event) => expectTypeOf(event).toEqualTypeOf<SchedulerEvents['completed']>())
    queue.on('settled', (event) => expectTypeOf(event).toEqualTypeOf<QueueEvents['settled']>())
    // @ts-expect-error: no such event
    queue.on('settle', () => {})
  })
})

type Method<T, Name extends keyof T> = T[Name] extends (...parameters: infer Parameters) => infer Result
  ? { readonly parameters: Parameters[number]; readonly result: Awaited<Result> }
  : never

describe('the public API', () => {
  it('says of nothing that it may be anything', () => {
    expectTypeOf<Method<Queue, 'publish'>['result']>().not.toBeAny()
    expectTypeOf<Method<Queue, 'publishAll'>['result']>().not.toBeAny()
    expectTypeOf<Method<Queue, 'subscribe'>['result']>().not.toBeAny()
    expectTypeOf<Method<Queue, 'stats'>['result']['ready']>().not.toBeAny()
    expectTypeOf<Message['data']>().toBeUnknown()
    expectTypeOf<DeadLetter['data']>().toBeUnknown()
    expectTypeOf<PublishRequest['data']>().toBeUnknown()
    expectTypeOf<SchedulerEvents['completed']['result']>().toBeUnknown()
    expectTypeOf<SchedulerEvents['failed']['error']>().toBeUnknown()
    expectTypeOf<QueueConfig['options']>().not.toBeAny()
    expectTypeOf<ReturnType<typeof createQueue>>().toEqualTypeOf<Queue>()
    expectTypeOf<Awaited<ReturnType<typeof openQueue>>>().toEqualTypeOf<Queue>()
    expectTypeOf<ReturnType<typeof decodeData>>().toBeUnknown()
    for (const part of ['parameters', 'result'] as const) {
      expectTypeOf<Method<Adapter, 'publish'>[typeof part]>().not.toBeAny()
      expectTypeOf<Method<Adapter, 'consume'>[typeof part]>().not.toBeAny()
    }
  })
})

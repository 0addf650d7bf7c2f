import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { createScheduler, defineEvent, defineTask, type StandardSchema } from '../src/index.js'
import { mqErrorOf } from './support/errors.js'
import { connected } from './support/queues.js'

class Money {
  constructor(readonly cents: number) {}
}

const at = new Date('2026-01-02T03:04:05.678Z')

const unreadable: readonly [string, StandardSchema, unknown, string][] = [
  ['a date of zod', z.object({ order: z.object({ at: z.date() }) }), { order: { at } }, 'order.at: '],
  ['a date of valibot', v.object({ at: v.date() }), { at }, 'at: '],
  ['a date of arktype', type({ at: 'Date' }), { at }, 'at: '],
  ['a date in a list', z.array(z.date()), [at], '0: '],
  ['a date that is all', z.date(), at, 'expected date'],
  ['a URL', z.instanceof(URL), new URL('https://example.com'), ''],
  ['an object of a class', z.object({ price: z.instanceof(Money) }), { price: new Money(5) }, 'price: '],
  ['a Buffer, which is read as a Uint8Array', z.instanceof(Buffer), Buffer.from('a'), ''],
  ['a date of an asynchronous schema', z.object({ at: z.date() }).refine(async () => true), { at }, 'at: '],
]

describe('a publish', () => {
  it.each(unreadable)(
    'is refused if its schema would refuse at the reader: %s',
    async (_title, schema, data, place) => {
      const { queue, adapter } = await connected()
      const event = defineEvent('order.paid', { schema })
      const error = await mqErrorOf(() => queue.publish(event, data), 'MQ_INVALID_DATA')
      expect(error.message).toContain(place)
      expect(error.message).toContain('as a reader gets it')
      expect(error.message).toContain('z.coerce.date()')
      expect(error.issues?.length).toBeGreaterThan(0)
      expect(adapter.published).toEqual([])
      await mqErrorOf(() => queue.publishAll(event, [data]), 'MQ_INVALID_DATA')
    },
  )

  it('is refused each time, also if an earlier message of the event had no such value', async () => {
    const { queue } = await connected()
    const event = defineEvent('order.paid', { schema: z.object({ at: z.date().optional() }) })
    await queue.publish(event, {})
    await mqErrorOf(() => queue.publish(event, { at }), 'MQ_INVALID_DATA')
    await mqErrorOf(() => queue.publish(event, { at }), 'MQ_INVALID_DATA')
  })

  it.each([
    ['a date that is coerced', z.object({ at: z.coerce.date() }), { at }],
    ['a date or its text', z.object({ at: z.union([z.date(), z.iso.datetime()]) }), { at }],
    ['a property that is undefined', z.object({ a: z.string().optional() }), { a: undefined }],
    ['an object of a class that is taken by its properties', z.object({ cents: z.number() }), new Money(5)],
    ['bytes', z.instanceof(Uint8Array), new Uint8Array([1])],
  ] as const)('goes out if its schema takes at the reader what JSON makes of it: %s', async (_title, schema, data) => {
    const { queue, adapter } = await connected()
    await queue.publish(defineEvent('order.paid', { schema: schema as StandardSchema }), data)
    expect(adapter.published).toHaveLength(1)
  })

  it('is validated once if JSON keeps its data as it is', async () => {
    const { queue } = await connected()
    const check = vi.fn(() => true)
    const event = defineEvent('order.paid', { schema: z.looseObject({}).refine(check) })
    await queue.publish(event, { a: [1, 'two', { three: null }] })
    expect(check).toHaveBeenCalledTimes(1)
  })
})

describe('a task', () => {
  it('is refused by enqueue and by schedule if its worker would refuse its input', async () => {
    const { queue } = await connected()
    const scheduler = createScheduler(queue)
    const task = defineTask({ name: 'remind', input: z.object({ at: z.date() }), execute: () => undefined })
    await mqErrorOf(() => scheduler.enqueue(task, { at }), 'MQ_INVALID_DATA')
    await mqErrorOf(() => scheduler.schedule('daily', { everyMs: 1_000 }, task, { at }), 'MQ_INVALID_DATA')
  })
})

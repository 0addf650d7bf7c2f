import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { StoreOutcome } from '../src/adapter.js'
import { defineEvent, type Middleware, MqError } from '../src/index.js'
import { errorOf, mqErrorOf, typeErrorOf } from './support/errors.js'
import { type Behaviour, stored } from './support/fake-adapter.js'
import { connected } from './support/queues.js'

const through: Middleware = { publish: async (request, next) => next(request) }
const slowestFirst: Middleware = {
  async publish(request, next) {
    for (let turn = 10; turn > Number(request.data); turn--) await Promise.resolve()
    return next(request)
  },
}
const variants: readonly [string, readonly Middleware[]][] = [
  ['without middleware', []],
  ['through middleware', [through]],
  ['through middleware of different speed', [through, slowestFirst]],
]
const id = (_: unknown, index: number): string => `m${index}`
const refused = new MqError('MQ_PUBLISH_REJECTED', 'refused')

describe.each(variants)('publishAll %s', (_, layers) => {
  const withLayers = async (behaviour: Behaviour = {}) => {
    const opened = await connected(behaviour)
    for (const layer of layers) opened.queue.use(layer)
    return opened
  }

  it('sends the whole list in one call, in its order', async () => {
    const { queue, adapter } = await withLayers()
    const results = await queue.publishAll('t', [1, 2, 3, 4, 5], { id })
    expect(adapter.published).toHaveLength(1)
    const sent = adapter.published[0]?.messages.map(({ id, body }) => [id, Buffer.from(body).toString()])
    expect(sent).toEqual([1, 2, 3, 4, 5].map((data, index) => [`m${index}`, String(data)]))
    expect(results).toEqual([1, 2, 3, 4, 5].map((_, index) => ({ id: `m${index}`, routed: 'yes' })))
  })

  it('sends nothing when one item is bad', async () => {
    const { queue, adapter } = await withLayers()
    const event = defineEvent('t', { schema: z.number() })
    await mqErrorOf(() => queue.publishAll(event, [1, 'two' as never, 3]), 'MQ_INVALID_DATA')
    await mqErrorOf(() => queue.publishAll('t', [1, 2n]), 'MQ_NOT_SERIALIZABLE')
    await mqErrorOf(
      () => queue.publishAll('t', [1, 2], { id: (data) => (data === 1 ? 'ok' : '') }),
      'MQ_INVALID_OPTION',
    )
    await mqErrorOf(() => queue.publishAll('t', [1, new Uint8Array(1_000_000)]), 'MQ_MESSAGE_TOO_LARGE')
    expect(adapter.published).toEqual([])
  })

  it('rejects with the outcome of each message when some are not stored', async () => {
    const outcomes: readonly StoreOutcome[] = [
      stored,
      { status: 'rejected', routed: 'unknown', error: refused },
      stored,
    ]
    const { queue } = await withLayers({ publish: async () => outcomes })
    const error = await mqErrorOf(() => queue.publishAll('t', [1, 2, 3], { id }), 'MQ_PUBLISH_REJECTED')
    expect(error.message).toContain('1 of 3')
    expect(error.cause).toBe(refused)
    expect(error.outcomes).toEqual([
      { status: 'stored', id: 'm0', routed: 'yes' },
      { status: 'rejected', id: 'm1', error: refused },
      { status: 'stored', id: 'm2', routed: 'yes' },
    ])
  })

  it('rejects with MQ_PUBLISH_UNKNOWN when nothing is known of some', async () => {
    const { queue } = await withLayers({ publish: async () => [{ status: 'rejected', routed: 'unknown' }, stored] })
    const error = await mqErrorOf(() => queue.publishAll('t', [1, 2, 3], { id }), 'MQ_PUBLISH_UNKNOWN')
    expect(error.outcomes?.map(({ status }) => status)).toEqual(['rejected', 'stored', 'unknown'])
  })

  it('knows nothing of any message when the call itself fails', async () => {
    const { queue } = await withLayers({ publish: () => Promise.reject(new Error('ECONNRESET')) })
    const error = await mqErrorOf(() => queue.publishAll('t', [1, 2]), 'MQ_PUBLISH_UNKNOWN')
    expect(error.outcomes?.map(({ status }) => status)).toEqual(['unknown', 'unknown'])
  })

  it('resolves at once for an empty list, and asks nothing of the adapter', async () => {
    const { queue, adapter } = await withLayers()
    expect(await queue.publishAll('t', [])).toEqual([])
    expect(adapter.published).toEqual([])
  })
})

describe('publishAll', () => {
  it('tells middleware that its messages belong together', async () => {
    const { queue } = await connected()
    const batches: unknown[] = []
    queue.use({
      publish: (request, next) => {
        batches.push(request.batch)
        return next(request)
      },
    })
    await queue.publishAll('t', [1, 2])
    await queue.publishAll('t', [3])
    await queue.publish('t', 4)
    expect(batches).toEqual([{ count: 2 }, { count: 2 }, { count: 1 }, undefined])
    expect(batches[0]).toBe(batches[1])
  })

  it('computes id and key from each item', async () => {
    const { queue, adapter } = await connected()
    const event = defineEvent('t', { schema: z.object({ user: z.string() }), key: ({ user }) => `event ${user}` })
    const list = [{ user: 'ada' }, { user: 'bob' }]
    const keys = () => adapter.published.at(-1)?.messages.map(({ key }) => key)
    await queue.publishAll(event, list, {
      id: ({ user }, index) => `${user}/${index}`,
      key: ({ user }) => `own ${user}`,
    })
    expect(adapter.published[0]?.messages.map((message) => message.id)).toEqual(['ada/0', 'bob/1'])
    expect(keys()).toEqual(['own ada', 'own bob'])
    await queue.publishAll(event, list, { key: 'shared' })
    expect(keys()).toEqual(['shared', 'shared'])
    await queue.publishAll(event, list)
    expect(keys()).toEqual(['event ada', 'event bob'])
  })

  it('gives every message the delay and the headers', async () => {
    const { queue, adapter } = await connected()
    await queue.publishAll('t', [1, 2], { delayMs: 5, headers: { a: 'b' } })
    expect(adapter.published[0]?.messages).toMatchObject([
      { delayMs: 5, headers: { a: 'b' } },
      { delayMs: 5, headers: { a: 'b' } },
    ])
  })

  it('refuses what is no array with a TypeError', async () => {
    const { queue } = await connected()
    for (const list of ['ab', new Set([1]), undefined, { length: 1 }]) {
      await typeErrorOf(() => queue.publishAll('t', list as never))
    }
    await typeErrorOf(() => queue.publishAll('t', [1], { id: 'same' as never }))
  })

  it('leaves out what a middleware answers itself, and sends the rest', async () => {
    const { queue, adapter } = await connected()
    queue.use({
      publish: async (request, next) => (request.data === 2 ? { id: 'skipped', routed: 'no' } : next(request)),
    })
    const results = await queue.publishAll('t', [1, 2, 3], { id })
    expect(results.map((result) => result.id)).toEqual(['m0', 'skipped', 'm2'])
    expect(adapter.published[0]?.messages.map((message) => message.id)).toEqual(['m0', 'm2'])
  })

  it('sends nothing when a middleware throws for one item', async () => {
    const { queue, adapter } = await connected()
    const refusal = new Error('not this one')
    queue.use({
      publish: async (request, next) => {
        if (request.data === 2) throw refusal
        return next(request)
      },
    })
    expect(await errorOf(() => queue.publishAll('t', [1, 2, 3]))).toBe(refusal)
    expect(adapter.published).toEqual([])
  })
})

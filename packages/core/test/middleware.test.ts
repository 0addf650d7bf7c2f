import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineEvent, type Middleware, type PublishRequest, type PublishResult, Unrecoverable } from '../src/index.js'
import { deliver, handleOf } from './support/deliveries.js'
import { errorOf, mqErrorOf, typeErrorOf } from './support/errors.js'
import { connected } from './support/queues.js'

const changing = (changes: Partial<PublishRequest>): Middleware => ({
  publish: (request, next) => next({ ...request, ...changes }),
})

const tracing = (name: string, trace: string[]): Middleware => ({
  async publish(request, next) {
    trace.push(`${name} in`)
    const result = await next(request)
    trace.push(`${name} out`)
    return result
  },
  async handle(_message, _context, next) {
    trace.push(`${name} in`)
    await next()
    trace.push(`${name} out`)
  },
})

const onion = ['first in', 'second in', 'core', 'second out', 'first out']

describe('middleware around publish', () => {
  it('runs in the order in which it was added, the first outermost', async () => {
    const trace: string[] = []
    const { queue } = await connected({
      publish: async () => {
        trace.push('core')
        return [{ status: 'stored', routed: 'yes' }]
      },
    })
    queue.use(tracing('first', trace)).use({}).use(tracing('second', trace))
    await queue.publish('t', 1)
    expect(trace).toEqual(onion)
  })

  it('sees the request, and may pass on a changed copy', async () => {
    const { queue, adapter } = await connected()
    let seen: PublishRequest | undefined
    queue.use({
      publish: (request, next) => {
        seen = request
        return next({ ...request, data: { b: 2 }, id: 'new', key: 'k', headers: { a: 'b' }, delayMs: 5 })
      },
    })
    const result = await queue.publish('t', { a: 1 }, { id: 'old' })
    expect(seen).toEqual({
      topic: 't',
      id: 'old',
      data: { a: 1 },
      key: undefined,
      headers: {},
      extensions: {},
      delayMs: undefined,
      tombstone: false,
    })
    expect(result.id).toBe('new')
    expect(adapter.published[0]?.messages).toMatchObject([
      { id: 'new', key: 'k', headers: { a: 'b' }, delayMs: 5, body: Buffer.from('{"b":2}') },
    ])
  })

  it.each([
    ['a reserved header', { headers: { CC: 'x' } }, 'MQ_INVALID_HEADER'],
    ['a line break in a header', { headers: { a: '\r\n' } }, 'MQ_INVALID_HEADER'],
    ['an empty id', { id: '' }, 'MQ_INVALID_OPTION'],
    ['a long key', { key: 'k'.repeat(300) }, 'MQ_INVALID_OPTION'],
    ['a negative delay', { delayMs: -1 }, 'MQ_INVALID_OPTION'],
    ['a delay that is NaN', { delayMs: Number.NaN }, 'MQ_INVALID_OPTION'],
    ['a delay beyond what the adapter can do', { delayMs: 60_001 }, 'MQ_NOT_SUPPORTED'],
    ['data that does not match', { data: 'text' }, 'MQ_INVALID_DATA'],
    ['data that cannot be sent', { data: 5n }, 'MQ_INVALID_DATA'],
  ] as const)('is checked again: %s is refused', async (_, changes, code) => {
    const { queue, adapter } = await connected({ capabilities: { maxDelayMs: 60_000 } })
    queue.use(changing(changes))
    const event = defineEvent('t', { schema: z.number() })
    await mqErrorOf(() => queue.publish(event, 1), code)
    await mqErrorOf(() => queue.publishAll(event, [1, 2]), code)
    expect(adapter.published).toEqual([])
  })

  it('does not move a message to another topic', async () => {
    const { queue, adapter } = await connected()
    queue.use(changing({ topic: 'other\r\ntopic' }))
    await queue.publish('t', 1)
    expect(adapter.published[0]).toMatchObject({ topic: 't', messages: [{ type: 't' }] })
  })

  it('rejects the publish by throwing, and sees what the adapter answered', async () => {
    const { queue, adapter } = await connected({ publish: async () => [{ status: 'rejected', routed: 'unknown' }] })
    const seen: unknown[] = []
    queue.use({
      publish: (request, next) =>
        next(request).catch((error) => {
          seen.push(error.code)
          throw error
        }),
    })
    await mqErrorOf(() => queue.publish('t', 1), 'MQ_PUBLISH_REJECTED')
    expect(seen).toEqual(['MQ_PUBLISH_REJECTED'])
    const refusal = new Error('over quota')
    queue.use({ publish: () => Promise.reject(refusal) })
    expect(await errorOf(() => queue.publish('t', 1))).toBe(refusal)
    expect(adapter.published).toHaveLength(1)
  })

  it('does not send a message twice when it forgets to return', async () => {
    const { queue, adapter } = await connected()
    const forgetful = (request: PublishRequest, next: (request: PublishRequest) => unknown): unknown =>
      void next(request)
    queue.use({ publish: forgetful as () => Promise<PublishResult> })
    await queue.publish('t', 1).catch(() => {})
    expect(adapter.published).toHaveLength(1)
  })
})

describe('middleware around handling', () => {
  it('runs in the order in which it was added, the first outermost', async () => {
    const trace: string[] = []
    const opened = await connected()
    opened.queue.use(tracing('first', trace)).use({}).use(tracing('second', trace))
    const handle = await handleOf(opened, () => trace.push('core'))
    expect(await deliver(handle).settlement).toEqual({ kind: 'done' })
    expect(trace).toEqual(onion)
  })

  it('applies to subscriptions made after it was added', async () => {
    const trace: string[] = []
    const opened = await connected()
    const before = await handleOf(opened, () => trace.push('core'))
    opened.queue.use(tracing('late', trace))
    await deliver(before).settlement
    expect(trace).toEqual(['core'])
  })

  it('sees validated data, and fails the attempt by throwing', async () => {
    const opened = await connected()
    const seen: unknown[] = []
    opened.queue.use({
      handle: async (message) => {
        seen.push(message.data)
        throw new Unrecoverable('not for us')
      },
    })
    const event = defineEvent('t', { schema: z.object({ userId: z.coerce.number() }) })
    const handle = await handleOf(opened, () => seen.push('handler'), {}, event)
    expect(await deliver(handle).settlement).toMatchObject({ kind: 'dead', failure: { reason: 'unrecoverable' } })
    expect(seen).toEqual([{ userId: 42 }])
  })
})

describe('use', () => {
  it('refuses what is no object with a TypeError', async () => {
    const { queue } = await connected()
    for (const layer of [undefined, null, () => {}, 'trace', []]) await typeErrorOf(() => queue.use(layer as never))
  })
})

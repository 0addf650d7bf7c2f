import { describe, expect, it } from 'vitest'
import type { Delivery } from '../src/adapter.js'
import { defineForeignTopic, type ForeignPlace, type Message, type StandardSchema } from '../src/index.js'
import { mqErrorOf } from './support/errors.js'
import { connected } from './support/queues.js'

const at = 'user_events'
const handler = (): void => {}
const foreignCapabilities = () => ({ orderedKeys: false, startFromEarliest: false, publishDedupeMs: 0 })

const delivery = (body: string | Uint8Array, contentType?: string): Delivery => ({
  message: {
    id: '1',
    source: '/x',
    type: 'users',
    time: new Date(0).toISOString(),
    ...(contentType !== undefined && { contentType }),
    extensions: {},
    headers: {},
    body: Buffer.from(body),
  },
  attempt: 1,
  signal: new AbortController().signal,
})

describe('a foreign topic', () => {
  it('reaches the adapter with its place, in every call that takes a target', async () => {
    const refs: unknown[] = []
    const record = async (ref: unknown): Promise<void> => void refs.push(ref)
    const { queue, adapter } = await connected({
      foreignCapabilities,
      deleteGroup: record,
      stats: async (ref) => {
        refs.push(ref)
        return { ready: 0, inFlight: 0, delayed: 0, dead: 0 }
      },
    })
    const users = defineForeignTopic('users', { at })
    const subscription = await queue.subscribe(users, handler, { group: 'g' })
    const ref = { topic: 'users', group: 'g', at }
    expect(subscription).toMatchObject({ topic: 'users', group: 'g' })
    expect(subscription).not.toHaveProperty('at')
    expect(adapter.declared).toEqual([{ ...ref, startFrom: 'latest' }])
    expect(adapter.consumers[0]?.ref).toEqual(ref)
    await queue.stats(users, 'g')
    await queue.deleteGroup(users, 'g')
    expect(refs).toEqual([ref, ref])
  })

  it('has the capabilities of its place, which decide on what a subscription may ask for', async () => {
    const { queue } = await connected({ foreignCapabilities })
    const users = defineForeignTopic('users', { at })
    expect(queue.capabilities.orderedKeys).toBe(true)
    expect(queue.capabilitiesOf('users')).toEqual(queue.capabilities)
    expect(queue.capabilitiesOf(users)).toEqual({ ...queue.capabilities, ...foreignCapabilities() })
    for (const options of [{ ordered: true }, { startFrom: 'earliest' }] as const) {
      const error = await mqErrorOf(
        () => queue.subscribe(users, handler, { group: 'g', ...options }),
        'MQ_NOT_SUPPORTED',
      )
      expect(error.message).toContain(`fake at '${at}'`)
    }
    await mqErrorOf(() => queue.declareGroup(users, 'g', { startFrom: 'earliest' }), 'MQ_NOT_SUPPORTED')
  })

  it('is refused by an adapter that has none, and cannot be published to', async () => {
    const without = await connected()
    const users = defineForeignTopic('users', { at })
    for (const call of [
      () => without.queue.subscribe(users, handler, { group: 'g' }),
      () => without.queue.stats(users, 'g'),
      () => without.queue.deleteGroup(users, 'g'),
    ]) {
      expect((await mqErrorOf(call, 'MQ_NOT_SUPPORTED')).message).toContain(at)
    }
    expect(without.adapter.calls).toEqual(['connect'])
    const { queue, adapter } = await connected({ foreignCapabilities })
    await mqErrorOf(() => queue.publish(users, 1 as never), 'MQ_NOT_SUPPORTED')
    await mqErrorOf(() => queue.publishAll(users, [1 as never]), 'MQ_NOT_SUPPORTED')
    expect(adapter.published).toEqual([])
  })

  it('is what an error proposes if a name cannot be a topic of this library', async () => {
    const { queue } = await connected()
    for (const name of ['_internal', 'a__b', 'a..b', 'orders:new']) {
      const error = await mqErrorOf(() => queue.subscribe(name, handler, { group: 'g' }), 'MQ_INVALID_NAME')
      expect(error.message).toContain('use defineForeignTopic')
    }
  })

  it('has a name that means nothing else in the queue', async () => {
    const { queue } = await connected({ foreignCapabilities }, { group: 'g' })
    await queue.subscribe(defineForeignTopic('users', { at }), handler)
    await queue.subscribe(defineForeignTopic('users', { at, decode: 'text' }), handler, { group: 'other' })
    const elsewhere = defineForeignTopic('users', { at: 'elsewhere' })
    for (const call of [
      () => queue.stats('users'),
      () => queue.publish('users', 1),
      () => queue.subscribe(elsewhere, handler),
    ]) {
      const error = await mqErrorOf(call, 'MQ_INVALID_OPTION')
      expect(error.message).toContain(`'users' names the foreign topic '${at}' in this queue`)
    }
  })

  it('decodes every body as it says, before the schema sees it', async () => {
    const { queue, adapter } = await connected({ foreignCapabilities }, { group: 'g' })
    const seen: unknown[] = []
    const read = ({ data }: Message): void => void seen.push(data)
    const length: StandardSchema<Uint8Array, number> = {
      '~standard': { version: 1, vendor: 't', validate: (bytes) => ({ value: (bytes as Uint8Array).byteLength }) },
    }
    await queue.subscribe(defineForeignTopic('a', { at }), read)
    await queue.subscribe(defineForeignTopic('b', { at, decode: 'text' }), read)
    await queue.subscribe(defineForeignTopic('c', { at, decode: 'bytes' }), read)
    await queue.subscribe(defineForeignTopic('d', { at, decode: 'json' }), read)
    await queue.subscribe(defineForeignTopic('e', { at, decode: 'bytes', schema: length }), read)
    for (const consumer of adapter.consumers) await consumer.handle(delivery('[1]', 'text/plain'))
    expect(seen).toEqual(['[1]', '[1]', new Uint8Array(Buffer.from('[1]')), [1], 3])
    const settlements = await Promise.all(
      adapter.consumers.map(async ({ handle }) => (await handle(delivery(new Uint8Array([0xff])))).kind),
    )
    expect(settlements).toEqual(['dead', 'dead', 'done', 'dead', 'done'])
  })

  it('decodes its dead letters, and what onLastFailure gets', async () => {
    const letter = {
      entryId: '1',
      message: delivery('[1]').message,
      failure: { reason: 'error', error: { name: 'E', message: 'e' }, attempts: 1, firstFailedAt: 0, failedAt: 0 },
    } as const
    const { queue, adapter } = await connected(
      { foreignCapabilities, deadLetters: { list: async () => [letter] } },
      { group: 'g' },
    )
    const users = defineForeignTopic('users', { at, decode: 'text' })
    expect((await queue.deadLetters(users).list())[0]?.data).toBe('[1]')
    const failed: unknown[] = []
    const fail = (): never => {
      throw new Error('broken')
    }
    await queue.subscribe(users, fail, { retry: false, onLastFailure: ({ data }) => void failed.push(data) })
    await adapter.consumers[0]?.handle(delivery('[1]'))
    expect(failed).toEqual(['[1]'])
  })
})

describe('defineForeignTopic', () => {
  it.each([
    ['an unknown option', { at, name: 'x' }, 'MQ_INVALID_OPTION'],
    ['an empty place', { at: '' }, 'MQ_INVALID_OPTION'],
    ['half of a surrogate pair', { at: 'a\ud800' }, 'MQ_INVALID_OPTION'],
    ['another object', { at: {} }, 'MQ_INVALID_OPTION'],
    ['a part of another kind', { at: { exchange: 'x', field: 'y' } }, 'MQ_INVALID_OPTION'],
    ['another decoding', { at, decode: 'avro' }, 'MQ_INVALID_OPTION'],
    ['no place', {}, undefined],
    ['an exchange without a routing key', { at: { exchange: 'x' } }, undefined],
    ['a stream without a field', { at: { stream: 'x' } }, undefined],
    ['a schema of no kind', { at, schema: {} }, undefined],
  ])('refuses %s', (_, options, code) => {
    const define = (): unknown => defineForeignTopic('users', options as never)
    if (code === undefined) expect(define).toThrow(TypeError)
    else expect(define).toThrow(expect.objectContaining({ code }))
  })

  it('returns what nobody can change', () => {
    const place = { exchange: 'x', routingKey: 'a' }
    const topic = defineForeignTopic('users', { at: place })
    place.exchange = 'y'
    expect(topic.at).toEqual({ exchange: 'x', routingKey: 'a' } satisfies ForeignPlace)
    expect(Object.isFrozen(topic) && Object.isFrozen(topic.at)).toBe(true)
  })
})

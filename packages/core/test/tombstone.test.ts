import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { emptyHeaders, type Handle } from '../src/adapter.js'
import { createQueue, defineEvent, type MessageOrTombstone, type Middleware, type Queue } from '../src/index.js'
import { deliver } from './support/deliveries.js'
import { mqErrorOf } from './support/errors.js'
import { type FakeAdapter, fakeAdapter } from './support/fake-adapter.js'

const userChanged = defineEvent('user.changed', {
  schema: z.object({ id: z.string() }),
  key: ({ id }) => id,
})

async function opened(): Promise<{ readonly queue: Queue; readonly adapter: FakeAdapter }> {
  const adapter = fakeAdapter()
  const queue = createQueue(adapter)
  await queue.connect()
  return { queue, adapter }
}

const { contentType: _, ...untyped } = { contentType: undefined }
const tombstone = { body: new Uint8Array(), extensions: { tombstone: 'true', other: 'x' }, key: 'u-1', ...untyped }

const lastHandle = (adapter: FakeAdapter): Handle => adapter.consumers.at(-1)?.handle as Handle

describe('publishTombstone', () => {
  it('sends an empty body with the key and an attribute, and asks no schema and no key function', async () => {
    const { queue, adapter } = await opened()
    const key = vi.fn(() => 'computed')
    const event = defineEvent('user.changed', { schema: z.object({ id: z.string() }), key })
    const { id } = await queue.publishTombstone(event, 'u-1', { headers: { a: 'b' }, extensions: { other: 'x' } })
    const [message] = adapter.published[0]?.messages ?? []
    expect(message).toMatchObject({ id, type: 'user.changed', key: 'u-1', headers: { a: 'b' } })
    expect({ ...message?.extensions }).toEqual({ other: 'x', tombstone: 'true' })
    expect(message?.body.byteLength).toBe(0)
    expect(message).not.toHaveProperty('contentType')
    expect(key).not.toHaveBeenCalled()
  })

  it('takes the other options of publish, and checks them', async () => {
    const { queue, adapter } = await opened()
    await queue.publishTombstone('t', 'k', { id: 'mine', delayMs: 5 })
    expect(adapter.published[0]?.messages[0]).toMatchObject({ id: 'mine', delayMs: 5 })
    await expect(queue.publishTombstone('t', '')).rejects.toMatchObject({ code: 'MQ_INVALID_OPTION' })
    await expect(queue.publishTombstone('t', undefined as never)).rejects.toThrow(TypeError)
    await expect(queue.publishTombstone('t', 'k', { key: 'k' } as never)).rejects.toThrow('no option')
    await expect(queue.publishTombstone('t', 'k', { at: new Date(), delayMs: 5 })).rejects.toThrow('exclude')
    await expect(queue.publishTombstone('not a name', 'k')).rejects.toMatchObject({ code: 'MQ_INVALID_NAME' })
    expect(adapter.published).toHaveLength(1)
  })

  it('passes middleware, which may change what is beside the data but not add any', async () => {
    const { queue, adapter } = await opened()
    const layer: Middleware = {
      publish: (publish, next) => next({ ...publish, headers: { seen: String(publish.tombstone) } }),
    }
    queue.use(layer)
    await queue.publishTombstone('t', 'k')
    await queue.publish('t', 1)
    expect(adapter.published.map(({ messages }) => messages[0]?.headers.seen)).toEqual(['true', 'false'])
    queue.use({ publish: (publish, next) => next({ ...publish, data: { ...(publish.data as object), by: 'me' } }) })
    const error = await mqErrorOf(() => queue.publishTombstone('t', 'k'), 'MQ_INVALID_DATA')
    expect(error.message).toContain('middleware')
    queue.use({ publish: (publish, next) => next({ ...publish, key: undefined }) })
    await expect(queue.publishTombstone('t', 'k')).rejects.toThrow()
  })

  it('is refused as an attribute of another message', async () => {
    const { queue } = await opened()
    const error = await mqErrorOf(
      () => queue.publish('t', 1, { extensions: { tombstone: 'true' } }),
      'MQ_INVALID_HEADER',
    )
    expect(error.message).toContain('publishTombstone')
  })
})

describe('a tombstone', () => {
  it('reaches the handler of a topic by its name, with null for data and its attribute hidden', async () => {
    const { queue, adapter } = await opened()
    const seen: unknown[] = []
    await queue.subscribe('t', ({ data, tombstone: is, key, extensions }) => seen.push({ data, is, key, extensions }), {
      group: 'g',
    })
    expect(await deliver(lastHandle(adapter), { message: tombstone }).settlement).toEqual({ kind: 'done' })
    await deliver(lastHandle(adapter)).settlement
    expect(seen).toMatchObject([
      { data: null, is: true, key: 'u-1', extensions: { other: 'x' } },
      { data: { userId: '42' }, is: false },
    ])
    expect((seen[0] as { extensions: object }).extensions).not.toHaveProperty('tombstone')
  })

  it('reaches the handler of an event only if it asks for tombstones, and is not validated', async () => {
    const { queue, adapter } = await opened()
    const seen: unknown[] = []
    const handler = (message: MessageOrTombstone<{ id: string }>): void => {
      seen.push(message.tombstone ? message.data : message.data.id)
    }
    await queue.subscribe(userChanged, handler, { group: 'g', tombstones: true })
    expect(await deliver(lastHandle(adapter), { message: tombstone }).settlement).toEqual({ kind: 'done' })
    await deliver(lastHandle(adapter), { message: { body: Buffer.from('{"id":"u-2"}') } }).settlement
    expect(seen).toEqual([null, 'u-2'])
  })

  it.each([
    ['an event', userChanged, {}],
    ['a topic by its name, with tombstones: false', 'user.changed', { tombstones: false }],
  ] as const)('is a dead letter that names the option, for a subscription to %s', async (_title, target, options) => {
    const { queue, adapter } = await opened()
    const handler = vi.fn()
    await queue.subscribe(target as string, handler, { group: 'g', ...options })
    const settlement = await deliver(lastHandle(adapter), { message: tombstone }).settlement
    expect(settlement).toMatchObject({
      kind: 'dead',
      failure: { reason: 'invalid', attempts: 0, error: { code: 'MQ_INVALID_DATA' } },
    })
    expect(JSON.stringify(settlement)).toContain('tombstones: true')
    expect(handler).not.toHaveBeenCalled()
  })

  it('is retried like any message, and onLastFailure gets null', async () => {
    const { queue, adapter } = await opened()
    const failed: unknown[] = []
    await queue.subscribe(
      userChanged,
      () => {
        throw new Error('broken')
      },
      { group: 'g', tombstones: true, retry: { attempts: 2 }, onLastFailure: (message) => failed.push(message) },
    )
    const [first, second] = await Promise.all(
      [1, 2].map((attempt) => deliver(lastHandle(adapter), { message: tombstone, attempt }).settlement),
    )
    expect([first?.kind, second?.kind]).toEqual(['retry', 'dead'])
    expect(failed).toMatchObject([{ data: null, tombstone: true }])
  })

  it.each([
    ['an empty body alone', { body: new Uint8Array(), extensions: emptyHeaders }],
    ['another value of the attribute', { body: new Uint8Array(), extensions: { tombstone: 'false' } }],
    ['a body beside the attribute', { body: Buffer.from('1'), extensions: { tombstone: 'true' } }],
  ])('is not %s', async (_title, message) => {
    const { queue, adapter } = await opened()
    const seen: unknown[] = []
    await queue.subscribe('t', ({ tombstone: is }) => seen.push(is), { group: 'g' })
    await deliver(lastHandle(adapter), { message: { ...message, contentType: 'application/octet-stream' } }).settlement
    expect(seen).toEqual([false])
  })

  it('is seen in the list of dead letters', async () => {
    const failure = { reason: 'error', error: { name: 'Error', message: '' }, attempts: 1 } as const
    const letter = (changes: object) => ({
      entryId: '1',
      message: { id: '1', source: '/', type: 't', time: '', headers: emptyHeaders, ...tombstone, ...changes },
      failure: { ...failure, firstFailedAt: 0, failedAt: 0 },
    })
    const adapter = fakeAdapter({
      deadLetters: { list: async () => [letter({}), letter({ body: Buffer.from('1') })] },
    })
    const queue = createQueue(adapter)
    await queue.connect()
    const entries = await queue.deadLetters('t', 'g').list()
    expect(entries).toMatchObject([
      { data: null, tombstone: true },
      { data: 1, tombstone: false },
    ])
  })
})

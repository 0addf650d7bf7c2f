import { describe, expect, it } from 'vitest'
import { createQueue, MqError, type QueueState } from '../src/index.js'
import { errorOf, mqErrorOf, typeErrorOf } from './support/errors.js'
import { fakeAdapter } from './support/fake-adapter.js'
import { connected, gate, unconnected } from './support/queues.js'

const operations: readonly [string, (queue: ReturnType<typeof createQueue>) => unknown][] = [
  ['publish', (queue) => queue.publish('t', 1)],
  ['publishAll', (queue) => queue.publishAll('t', [1])],
  ['subscribe', (queue) => queue.subscribe('t', () => {}, { group: 'g' })],
  ['declareGroup', (queue) => queue.declareGroup('t', 'g')],
  ['deleteGroup', (queue) => queue.deleteGroup('t', 'g')],
  ['deadLetters', (queue) => queue.deadLetters('t', 'g').list()],
  ['stats', (queue) => queue.stats('t', 'g')],
]

describe.each(operations)('%s', (_, operation) => {
  it('rejects with MQ_NOT_CONNECTED before connect, and asks nothing of the adapter', async () => {
    const { queue, adapter } = unconnected()
    await mqErrorOf(() => operation(queue), 'MQ_NOT_CONNECTED')
    expect(adapter.calls).toEqual([])
  })

  it('rejects with MQ_CLOSED after disconnect, and asks nothing of the adapter', async () => {
    const { queue, adapter } = await connected()
    await queue.disconnect()
    await mqErrorOf(() => operation(queue), 'MQ_CLOSED')
    expect(adapter.calls).toEqual(['connect', 'disconnect'])
  })
})

describe('connect', () => {
  it('connects once, however often it is called', async () => {
    const { queue, adapter } = unconnected()
    await Promise.all([queue.connect(), queue.connect()])
    await queue.connect()
    expect(adapter.calls).toEqual(['connect'])
  })

  it('rejects with what the adapter rejects with, and may be called again', async () => {
    let attempts = 0
    const refusal = new MqError('MQ_CONNECT_FAILED', 'refused')
    const { queue } = unconnected({
      connect: async () => {
        if (++attempts === 1) throw refusal
      },
    })
    expect(await errorOf(() => queue.connect())).toBe(refusal)
    expect(queue.health().state).toBe('idle')
    await mqErrorOf(() => queue.publish('t', 1), 'MQ_NOT_CONNECTED')
    await queue.connect()
    expect((await queue.publish('t', 1)).routed).toBe('yes')
  })

  it('rejects with MQ_CLOSED after disconnect', async () => {
    const { queue } = await connected()
    await queue.disconnect()
    await mqErrorOf(() => queue.connect(), 'MQ_CLOSED')
  })

  it('rejects with MQ_CLOSED when disconnect overtakes it', async () => {
    const opening = gate()
    const { queue } = unconnected({ connect: () => opening.passed })
    const connecting = errorOf(() => queue.connect())
    await queue.disconnect()
    opening.open()
    expect(await connecting).toMatchObject({ code: 'MQ_CLOSED' })
    expect(queue.health().state).toBe('disconnected')
  })
})

describe('the state', () => {
  it('goes through each step, and tells its listeners', async () => {
    const { queue, adapter } = unconnected()
    const seen: [QueueState, QueueState][] = []
    queue.on('state', ({ previous, state }) => seen.push([previous, state]))
    await queue.connect()
    const error = new MqError('MQ_CONNECTION_LOST', 'cut')
    queue.on('state', (event) => event.state === 'reconnecting' && expect(event.error).toBe(error))
    adapter.emit({ type: 'state', state: 'reconnecting', error })
    adapter.emit({ type: 'state', state: 'reconnecting' })
    adapter.emit({ type: 'state', state: 'connected' })
    await queue.disconnect()
    expect(seen).toEqual([
      ['idle', 'connecting'],
      ['connecting', 'connected'],
      ['connected', 'reconnecting'],
      ['reconnecting', 'connected'],
      ['connected', 'disconnecting'],
      ['disconnecting', 'disconnected'],
    ])
  })

  it('stays disconnected, whatever the adapter says later', async () => {
    const { queue, adapter } = await connected()
    await queue.disconnect()
    adapter.emit({ type: 'state', state: 'connected' })
    expect(queue.health().state).toBe('disconnected')
  })

  it('lets publish go on while the adapter reconnects', async () => {
    const { queue, adapter } = await connected()
    adapter.emit({ type: 'state', state: 'reconnecting' })
    expect((await queue.publish('t', 1)).routed).toBe('yes')
  })
})

describe('health', () => {
  it('is that of the adapter while connected, and down before and after', async () => {
    const lastError = new MqError('MQ_CONNECTION_LOST', 'cut')
    const { queue } = unconnected({ health: () => ({ status: 'degraded', consumers: [], lastError }) })
    expect(queue.health()).toMatchObject({ status: 'down', state: 'idle' })
    await queue.connect()
    expect(queue.health()).toEqual({ status: 'degraded', consumers: [], lastError, state: 'connected' })
    await queue.disconnect()
    expect(queue.health()).toMatchObject({ status: 'down', state: 'disconnected' })
  })
})

describe('createQueue', () => {
  it('says what is missing in a value that is no adapter', async () => {
    for (const value of [undefined, null, 5, 'redis://a', () => fakeAdapter()]) {
      await typeErrorOf(() => createQueue(value as never))
    }
    const { stats: _, ...partly } = fakeAdapter()
    expect((await typeErrorOf(() => createQueue(partly as never))).message).toContain('stats')
  })

  it.each([
    ['group', { group: 'two words' }, 'MQ_INVALID_NAME'],
    ['source', { source: '' }, 'MQ_INVALID_OPTION'],
    ['publishTimeoutMs', { publishTimeoutMs: 0 }, 'MQ_INVALID_OPTION'],
    ['operationTimeoutMs', { operationTimeoutMs: -1 }, 'MQ_INVALID_OPTION'],
    ['stopTimeoutMs', { stopTimeoutMs: Number.NaN }, 'MQ_INVALID_OPTION'],
    ['maxPendingMessages', { maxPendingMessages: 0.5 }, 'MQ_INVALID_OPTION'],
    ['maxPendingBytes', { maxPendingBytes: 0 }, 'MQ_INVALID_OPTION'],
    ['retry.attempts', { retry: { attempts: 0 } }, 'MQ_INVALID_OPTION'],
    ['concurrency', { concurrency: 5 }, 'MQ_INVALID_OPTION'],
  ] as const)('names the option %s when it cannot be used', async (name, options, code) => {
    expect((await mqErrorOf(() => createQueue(fakeAdapter(), options as object), code)).message).toContain(name)
  })

  it('refuses options of a wrong type with a TypeError', async () => {
    for (const options of [null, 5, 'g', { group: 5 }, { source: 5 }, { stopTimeoutMs: '5' }, { retry: 3 }]) {
      await typeErrorOf(() => createQueue(fakeAdapter(), options as object))
    }
  })
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MqError } from '../src/index.js'
import { errorOf, mqErrorOf } from './support/errors.js'
import { never } from './support/fake-adapter.js'
import { connected, gate, turns, unconnected } from './support/queues.js'

const subscribed = { group: 'welcome' }

describe('disconnect', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('stops every subscription, then the adapter, with what is left of the deadline', async () => {
    const { queue, adapter } = await connected({ stop: () => new Promise((resolve) => setTimeout(resolve, 400)) })
    await queue.subscribe('a', () => {}, subscribed)
    await queue.subscribe('b', () => {}, subscribed)
    const disconnecting = queue.disconnect({ timeoutMs: 1_000 })
    await vi.advanceTimersByTimeAsync(400)
    await disconnecting
    expect(adapter.consumers.map(({ stops }) => stops)).toEqual([[1_000], [1_000]])
    expect(adapter.disconnects).toEqual([600])
  })

  it('takes the deadline of the queue where none is given', async () => {
    const { queue, adapter } = await connected({}, { stopTimeoutMs: 7_000 })
    await queue.disconnect()
    expect(adapter.disconnects).toEqual([7_000])
  })

  it('resolves, though the adapter and its consumers never answer', async () => {
    const { queue, log } = await connected({ stop: () => never(), disconnect: () => never() })
    await queue.subscribe('a', () => {}, subscribed)
    const disconnecting = queue.disconnect({ timeoutMs: 1_000 })
    await vi.advanceTimersByTimeAsync(1_000 + 5_000 + 5_000)
    await disconnecting
    expect(queue.health().state).toBe('disconnected')
    expect(log.lines).toMatchObject([{ level: 'error', fields: { code: 'MQ_TIMEOUT' } }])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('resolves, though the adapter and its consumers fail, and reports it', async () => {
    const broken = (): never => {
      throw new MqError('MQ_CONNECTION_LOST', 'thrown, not rejected')
    }
    for (const fail of [broken, async () => broken()]) {
      const { queue } = await connected({ stop: fail, disconnect: fail })
      const errors: unknown[] = []
      queue.on('error', ({ error }) => errors.push(error.code))
      await queue.subscribe('a', () => {}, subscribed)
      await queue.disconnect()
      expect(errors).toEqual(['MQ_CONNECTION_LOST'])
      expect(queue.health().state).toBe('disconnected')
    }
  })

  it('may be called twice and before connect, and asks the adapter once', async () => {
    const { queue, adapter } = unconnected()
    await Promise.all([queue.disconnect(), queue.disconnect()])
    await queue.disconnect()
    expect(adapter.calls).toEqual(['disconnect'])
  })

  it('lets handlers publish while they finish, and takes no new subscription', async () => {
    const finishing = gate()
    const { queue } = await connected({ stop: () => finishing.passed })
    await queue.subscribe('a', () => {}, subscribed)
    const disconnecting = queue.disconnect()
    expect((await queue.publish('b', 1)).routed).toBe('yes')
    await mqErrorOf(() => queue.subscribe('c', () => {}, subscribed), 'MQ_CLOSED')
    finishing.open()
    await disconnecting
    await mqErrorOf(() => queue.publish('b', 1), 'MQ_CLOSED')
  })

  it('sends what was published before, though it is still on its way to the adapter', async () => {
    const { queue, adapter } = await connected()
    const slow = gate()
    queue.use({
      publish: async (publish, next) => {
        await slow.passed
        return next(publish)
      },
    })
    const publishing = queue.publish('b', 1)
    const publishingAll = queue.publishAll('b', [2, 3])
    const disconnecting = queue.disconnect()
    await turns()
    expect(adapter.calls).not.toContain('disconnect')
    slow.open()
    await Promise.all([publishing, publishingAll, disconnecting])
    expect(adapter.calls.filter((call) => call === 'publish' || call === 'disconnect')).toEqual([
      'publish',
      'publish',
      'disconnect',
    ])
  })

  it('waits for a publish no longer than until the deadline', async () => {
    const { queue, adapter } = await connected()
    queue.use({ publish: () => never() })
    void queue.publish('b', 1)
    const disconnecting = queue.disconnect({ timeoutMs: 1_000 })
    await vi.advanceTimersByTimeAsync(1_000)
    await disconnecting
    expect(adapter.disconnects).toEqual([0])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('stops a subscription that was still starting', async () => {
    const starting = gate()
    const { queue, adapter } = await connected({ consume: () => starting.passed })
    const subscribing = errorOf(() => queue.subscribe('a', () => {}, subscribed))
    await queue.disconnect()
    starting.open()
    expect(await subscribing).toMatchObject({ code: 'MQ_CLOSED' })
    expect(adapter.consumers[0]?.stops).toEqual([0])
  })

  it('refuses a bad deadline without closing anything: it can be called again', async () => {
    const { queue, adapter } = await connected()
    await mqErrorOf(() => queue.disconnect({ timeoutMs: -1 }), 'MQ_INVALID_OPTION')
    expect(queue.health().state).toBe('connected')
    await queue.disconnect({ timeoutMs: 0 })
    expect(adapter.disconnects).toEqual([0])
  })

  it('is what `await using` calls', async () => {
    const { queue, adapter } = await connected()
    await queue[Symbol.asyncDispose]()
    expect(adapter.calls).toContain('disconnect')
  })
})

import { EventEmitter, getEventListeners } from 'node:events'
import type { ChannelModel } from 'amqplib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLocks } from '../src/topology/locks.js'

const lock = { name: 'lock', queue: 'queue' }

interface Answers {
  readonly assertQueue?: () => Promise<unknown>
  readonly checkQueue?: () => Promise<{ consumerCount: number }>
}

/** A connection whose channels give these answers. `calls` lists what they were asked. */
function connectionThat({
  assertQueue = async () => ({}),
  checkQueue = async () => ({ consumerCount: 0 }),
}: Answers = {}) {
  const calls: string[] = []
  const asked =
    <T>(name: string, answer: () => Promise<T>) =>
    (): Promise<T> => {
      calls.push(name)
      return answer()
    }
  const createChannel = async (): Promise<unknown> =>
    Object.assign(new EventEmitter(), {
      assertQueue: asked('assertQueue', assertQueue),
      checkQueue: asked('checkQueue', checkQueue),
      deleteQueue: asked('deleteQueue', async () => ({})),
      close: asked('close', async () => undefined),
    })
  const destroy = vi.fn()
  const connection = Object.assign(new EventEmitter(), { createChannel, connection: { stream: { destroy } } })
  return { connection: connection as unknown as ChannelModel, calls, destroy }
}

const never = (): Promise<never> => new Promise(() => {})
const locked = async (): Promise<never> => {
  throw Object.assign(new Error('locked'), { code: 405 })
}

describe('the lock of an ordered group', () => {
  const signal = (): AbortSignal => new AbortController().signal

  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it.each([
    ['the lock', { assertQueue: never }],
    ['the previous consumer', { checkQueue: never }],
  ])('a broker that does not answer about %s is given up, and so is the name', async (_, answers) => {
    const locks = createLocks()
    const silent = connectionThat(answers)
    const holding = expect(locks.hold(silent.connection, lock, signal())).rejects.toMatchObject({
      code: 'MQ_TIMEOUT',
    })
    await vi.advanceTimersByTimeAsync(30_000)
    await holding
    expect(silent.destroy).toHaveBeenCalled()
    expect(await locks.hold(connectionThat().connection, lock, signal())).toBeTypeOf('function')
  })

  it('is released again if the queue of the group does not exist', async () => {
    const locks = createLocks()
    const missing = async (): Promise<never> => {
      throw Object.assign(new Error('missing'), { code: 404 })
    }
    const { connection, calls } = connectionThat({ checkQueue: missing })
    await expect(locks.hold(connection, lock, signal())).rejects.toMatchObject({ code: 404 })
    expect(calls).toContain('deleteQueue')
  })

  it('leaves no listener or channel behind while an instance stands by', async () => {
    vi.useRealTimers()
    const locks = createLocks()
    const { connection, calls } = connectionThat({ assertQueue: locked })
    const stop = new AbortController()
    const standing = locks.hold(connection, lock, stop.signal)
    await vi.waitUntil(() => calls.filter((call) => call === 'assertQueue').length === 3, { timeout: 5_000 })
    expect(getEventListeners(stop.signal, 'abort').length).toBeLessThanOrEqual(1)
    stop.abort()
    expect(await standing).toBeUndefined()
    expect(calls.filter((call) => call === 'close')).toHaveLength(3)
  })
})

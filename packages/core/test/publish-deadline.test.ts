import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { PublishCall } from '../src/adapter.js'
import { errorOf, mqErrorOf, typeErrorOf } from './support/errors.js'
import { never, storeAll } from './support/fake-adapter.js'
import { connected, gate, turns } from './support/queues.js'

/** An adapter that answers nothing, and the calls that it got. */
const silent = () => {
  const calls: PublishCall[] = []
  const publish = (_: unknown, call: PublishCall): Promise<never> => {
    calls.push(call)
    return never<never>()
  }
  return { calls, publish }
}

describe('a publish', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('rejects with MQ_PUBLISH_UNKNOWN when the adapter never settles, a second after the deadline', async () => {
    const { queue } = await connected(silent())
    let error: unknown
    void errorOf(() => queue.publish('t', 1, { timeoutMs: 500 })).then((caught) => {
      error = caught
    })
    await vi.advanceTimersByTimeAsync(1_499)
    expect(error).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    expect(error).toMatchObject({ code: 'MQ_PUBLISH_UNKNOWN' })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('waits as long as the queue says where no time is given', async () => {
    const { queue } = await connected(silent(), { publishTimeoutMs: 3_000 })
    const failing = errorOf(() => queue.publish('t', 1))
    await vi.advanceTimersByTimeAsync(4_000)
    expect(await failing).toMatchObject({ code: 'MQ_PUBLISH_UNKNOWN' })
  })

  it('tells the adapter by its signal that the time is over', async () => {
    const adapter = silent()
    const { queue } = await connected(adapter)
    const failing = errorOf(() => queue.publish('t', 1, { timeoutMs: 500 }))
    await turns()
    const signal = adapter.calls[0]?.signal
    await vi.advanceTimersByTimeAsync(499)
    expect(signal?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(signal?.reason).toMatchObject({ code: 'MQ_TIMEOUT' })
    await vi.advanceTimersByTimeAsync(1_000)
    await failing
  })

  it.each([2 ** 31, 365 * 24 * 3_600_000])('waits %i ms, though no timer of Node is as long', async (timeoutMs) => {
    const answer = gate()
    const adapter = silent()
    const { queue } = await connected({
      publish: async (messages, call) => {
        adapter.calls.push(call)
        await answer.passed
        return storeAll(messages)
      },
    })
    const publishing = queue.publish('t', 1, { timeoutMs })
    await turns()
    const signal = adapter.calls[0]?.signal
    await vi.advanceTimersByTimeAsync(60_000)
    expect(signal?.aborted).toBe(false)
    answer.open()
    expect((await publishing).routed).toBe('yes')
  })

  it('leaves no timer behind when it is answered', async () => {
    const { queue } = await connected({
      publish: async (messages, { signal }) => (signal.aborted ? [] : storeAll(messages)),
    })
    await queue.publish('t', 1)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the signal of the caller', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('keeps a message from being sent when it has aborted before', async () => {
    const { queue, adapter } = await connected()
    const cause = new Error('the request was cancelled')
    const signal = AbortSignal.abort(cause)
    expect((await mqErrorOf(() => queue.publish('t', 1, { signal }), 'MQ_PUBLISH_REJECTED')).cause).toBe(cause)
    expect(adapter.published).toEqual([])
  })

  it('reaches the adapter, and rejects within a second if the adapter ignores it', async () => {
    const adapter = silent()
    const { queue } = await connected(adapter)
    const caller = new AbortController()
    const failing = errorOf(() => queue.publish('t', 1, { signal: caller.signal, timeoutMs: 60_000 }))
    await turns()
    const cause = new Error('cancelled')
    const seenBefore = adapter.calls[0]?.signal
    caller.abort(cause)
    expect(seenBefore?.reason).toBe(cause)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await failing).toMatchObject({ code: 'MQ_PUBLISH_UNKNOWN', cause })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('has aborted already for an adapter that reads it late', async () => {
    const adapter = silent()
    const { queue } = await connected(adapter)
    const caller = new AbortController()
    const failing = errorOf(() => queue.publish('t', 1, { signal: caller.signal }))
    await turns()
    caller.abort('late')
    expect(adapter.calls[0]?.signal.reason).toBe('late')
    await vi.advanceTimersByTimeAsync(1_000)
    await failing
  })

  it('changes nothing once the message is stored, and is let go of', async () => {
    const { queue } = await connected()
    const caller = new AbortController()
    const removed = vi.spyOn(caller.signal, 'removeEventListener')
    await queue.publish('t', 1, { signal: caller.signal })
    expect(removed).toHaveBeenCalled()
  })

  it('is refused before anything is sent when it is no signal', async () => {
    const { queue, adapter } = await connected()
    for (const signal of ['stop', {}, new AbortController(), null]) {
      await typeErrorOf(() => queue.publish('t', 1, { signal: signal as never }))
      await typeErrorOf(() => queue.publishAll('t', [1], { signal: signal as never }))
    }
    expect(adapter.published).toEqual([])
  })
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  giveUpParcel,
  isParcelSettled,
  type PendingParcel,
  type PublishLimits,
  pendingPublishes,
  rejectedOutcome,
  settleParcel,
} from '../../src/adapter-kit/pending-publishes.js'
import type { StoreOutcome } from '../../src/contract/adapter.js'

const stored: StoreOutcome = { status: 'stored', routed: 'yes' }
const inASecond: PublishLimits = { timeoutMs: 1_000 }

/** Counts how often its signal is read, as core's creates it by that. */
function abortable(timeoutMs: number) {
  const controller = new AbortController()
  let reads = 0
  return {
    abort: (reason: unknown) => controller.abort(reason),
    reads: () => reads,
    timeoutMs,
    get signal() {
      reads += 1
      return controller.signal
    },
  }
}

function outbox() {
  const parcels: PendingParcel[] = []
  const sweeps: number[] = []
  const pending = pendingPublishes<PendingParcel>({
    late: () => ({ why: 'no answer came', cause: 'the last failure' }),
    onSweep: (givenUp) => sweeps.push(givenUp),
  })
  const publish = (limits: PublishLimits, count = 1): Promise<readonly StoreOutcome[]> =>
    pending.add(limits, count, (call, index) => {
      const parcel = { call, index, maybeStored: false }
      parcels.push(parcel)
      return parcel
    })
  return { pending, parcels, sweeps, publish, at: (index: number) => parcels[index] as PendingParcel }
}

/** A promise's state after all that is due at once. */
async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  return await Promise.race([promise, new Promise((resolve) => setImmediate(() => resolve('pending')))])
}

describe('a pending publish', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
  })
  afterEach(() => void vi.useRealTimers())

  it('resolves with the outcomes in the order of the messages, once all have one', async () => {
    const { publish, at, pending } = outbox()
    const outcomes = publish(inASecond, 3)
    const later: StoreOutcome = { status: 'stored', routed: 'unknown' }
    settleParcel(at(2), later)
    settleParcel(at(0), stored)
    expect(await stateOf(outcomes)).toBe('pending')
    const refused = rejectedOutcome({ why: 'the broker refused it' })
    settleParcel(at(1), refused)
    expect(await outcomes).toEqual([stored, refused, later])
    expect(pending.size).toBe(0)
  })

  it('of no message resolves at once', async () => {
    expect(await outbox().publish(inASecond, 0)).toEqual([])
  })

  it('keeps the first outcome of a message', async () => {
    const { publish, at } = outbox()
    const outcomes = publish(inASecond, 2)
    expect(isParcelSettled(at(0))).toBe(false)
    settleParcel(at(0), stored)
    expect(isParcelSettled(at(0))).toBe(true)
    giveUpParcel(at(0), { why: 'too late' })
    settleParcel(at(1), stored)
    expect(await outcomes).toEqual([stored, stored])
  })

  it('ends when its time is over: unknown if the broker may have the message, rejected if not', async () => {
    const { publish, at } = outbox()
    const outcomes = publish(inASecond, 3)
    settleParcel(at(0), stored)
    at(1).maybeStored = true
    await vi.advanceTimersByTimeAsync(999)
    expect(await stateOf(outcomes)).toBe('pending')
    await vi.advanceTimersByTimeAsync(51)
    const [first, second, third] = await outcomes
    expect(first).toBe(stored)
    expect(second).toMatchObject({
      status: 'unknown',
      error: { code: 'MQ_PUBLISH_UNKNOWN', cause: 'the last failure' },
    })
    expect(second?.error?.message).toBe('The message may or may not be stored: no answer came')
    expect(third).toMatchObject({ status: 'rejected', error: { code: 'MQ_PUBLISH_REJECTED' } })
    expect(third?.error?.message).toBe('The message was not stored: no answer came')
  })

  it('ends soon after its caller aborts, and says so', async () => {
    const { publish } = outbox()
    const call = abortable(60_000)
    const outcomes = publish(call)
    await vi.advanceTimersByTimeAsync(200)
    call.abort('why')
    await vi.advanceTimersByTimeAsync(51)
    const [outcome] = await outcomes
    expect(outcome).toMatchObject({ status: 'rejected', error: { cause: 'why' } })
    expect(outcome?.error?.message).toContain('the caller has aborted (no answer came)')
  })

  it('does not look at the signal of a call that ends at once', async () => {
    const { publish, at } = outbox()
    const [quick, slow] = [abortable(60_000), abortable(60_000)]
    const outcomes = publish(quick)
    void publish(slow)
    await vi.advanceTimersByTimeAsync(60)
    settleParcel(at(0), stored)
    await outcomes
    await vi.advanceTimersByTimeAsync(60)
    expect(quick.reads(), 'of the quick call').toBe(0)
    expect(slow.reads(), 'of the slow call').toBeGreaterThan(0)
  })

  it('may wait without end, and without a signal', async () => {
    const { publish, at } = outbox()
    const outcomes = publish({ timeoutMs: Number.POSITIVE_INFINITY })
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(await stateOf(outcomes)).toBe('pending')
    settleParcel(at(0), stored)
    expect(await outcomes).toEqual([stored])
  })

  it('may be settled while it is being sent', async () => {
    const { pending } = outbox()
    const outcomes = pending.add(inASecond, 2, (call, index) => {
      call.settle(index, stored)
      return { call, index, maybeStored: true }
    })
    expect(await outcomes).toEqual([stored, stored])
  })

  it('is rejected for the message that cannot be prepared, and goes on with the others', async () => {
    const { pending } = outbox()
    const cause = new Error('a circle')
    const outcomes = pending.add(inASecond, 2, (call, index) => {
      if (index === 0) throw cause
      call.settle(index, stored)
      return { call, index, maybeStored: true }
    })
    expect(await outcomes).toMatchObject([{ status: 'rejected', error: { cause } }, stored])
  })

  it('is swept while there is one, and leaves no timer behind', async () => {
    const { publish, at, sweeps } = outbox()
    void publish({ timeoutMs: 60 })
    void publish(inASecond)
    await vi.advanceTimersByTimeAsync(120)
    expect(sweeps).toEqual([0, 1])
    settleParcel(at(1), stored)
    await vi.advanceTimersByTimeAsync(60)
    expect(vi.getTimerCount()).toBe(0)
    const before = sweeps.length
    await vi.advanceTimersByTimeAsync(1_000)
    expect(sweeps).toHaveLength(before)
    void publish(inASecond)
    await vi.advanceTimersByTimeAsync(60)
    expect(sweeps).toHaveLength(before + 1)
  })
})

describe('closing', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
  })
  afterEach(() => void vi.useRealTimers())

  it('waits for what is pending, and for what is added meanwhile', async () => {
    const { publish, at, pending } = outbox()
    const first = publish(inASecond)
    const closing = pending.close(60_000)
    const second = publish(inASecond)
    settleParcel(at(0), stored)
    expect(await stateOf(closing)).toBe('pending')
    settleParcel(at(1), stored)
    await closing
    expect([await first, await second]).toEqual([[stored], [stored]])
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([0, 300])('gives up after %d ms what is left', async (timeoutMs) => {
    const { publish, at, pending } = outbox()
    const outcomes = publish({ timeoutMs: 60_000 }, 2)
    at(1).maybeStored = true
    const closing = pending.close(timeoutMs)
    await vi.advanceTimersByTimeAsync(timeoutMs)
    await closing
    expect(pending.isClosed).toBe(true)
    const [sent, maybe] = await outcomes
    expect(sent).toMatchObject({ status: 'rejected', error: { cause: { code: 'MQ_CLOSED' } } })
    expect(maybe).toMatchObject({ status: 'unknown', error: { cause: { code: 'MQ_CLOSED' } } })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('may happen twice, and each waits for itself', async () => {
    const { publish, at, pending } = outbox()
    void publish(inASecond)
    const both = Promise.all([pending.close(60_000), pending.close(60_000)])
    settleParcel(at(0), stored)
    await both
    await pending.close(60_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is for good: what comes after it is rejected without being sent', async () => {
    const { publish, parcels, pending } = outbox()
    await pending.close(0)
    expect(await publish(inASecond, 2)).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }])
    expect(parcels).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })
})

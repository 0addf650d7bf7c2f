import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { lazyAbort, withTimeout } from '../src/adapter.js'
import { never } from './support/fake-adapter.js'
import { gate } from './support/queues.js'

const late = (): Error => new Error('late')

describe('withTimeout', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('becomes what the promise becomes, and leaves no timer', async () => {
    const cause = new Error('failed')
    await expect(withTimeout(Promise.resolve(5), 100, late)).resolves.toBe(5)
    await expect(withTimeout(Promise.reject(cause), 100, late)).rejects.toBe(cause)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('rejects once the time is over, and not before', async () => {
    let outcome: unknown = 'waiting'
    withTimeout(never(), 100, late).catch((error) => {
      outcome = error
    })
    await vi.advanceTimersByTimeAsync(99)
    expect(outcome).toBe('waiting')
    await vi.advanceTimersByTimeAsync(1)
    expect(outcome).toEqual(new Error('late'))
  })

  it('waits for a time that is longer than a timer of Node', async () => {
    const work = gate()
    const result = withTimeout(work.passed, 365 * 24 * 3_600_000, late)
    await vi.advanceTimersByTimeAsync(24 * 3_600_000)
    work.open()
    await expect(result).resolves.toBeUndefined()
  })

  it('keeps a rejection that comes too late from being unhandled', async () => {
    const work = gate()
    const result = withTimeout(work.passed, 10, late)
    const rejected = expect(result).rejects.toThrow('late')
    await vi.advanceTimersByTimeAsync(10)
    await rejected
    work.fail(new Error('much later'))
    await vi.advanceTimersByTimeAsync(10)
  })
})

describe('lazyAbort', () => {
  it('aborts the signal with the first reason, whether it was read before or after', () => {
    const before = lazyAbort()
    const { signal } = before
    expect(signal.aborted).toBe(false)
    const reason = new Error('first')
    const after = lazyAbort()
    for (const abort of [before, after]) {
      abort.abort(reason)
      abort.abort(new Error('second'))
      expect(abort.aborted).toBe(true)
      expect(abort.signal.aborted).toBe(true)
      expect(abort.signal.reason).toBe(reason)
    }
    expect(before.signal).toBe(signal)
  })

  it('tells listeners once', () => {
    const abort = lazyAbort()
    const listener = vi.fn()
    abort.signal.addEventListener('abort', listener)
    abort.abort('a')
    abort.abort('b')
    expect(listener).toHaveBeenCalledOnce()
  })
})

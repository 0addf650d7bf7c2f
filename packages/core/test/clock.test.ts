import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../src/adapter.js'

describe('systemClock', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('runs the callback once, when its time has come', () => {
    const callback = vi.fn()
    systemClock.setTimeout(callback, 1_000)
    vi.advanceTimersByTime(999)
    expect(callback).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(callback).toHaveBeenCalledOnce()
    vi.advanceTimersByTime(100_000)
    expect(callback).toHaveBeenCalledOnce()
  })

  it.each([2 ** 31 - 1, 2 ** 31, 60 * 24 * 3_600_000, 365 * 24 * 3_600_000])(
    'keeps a delay of %i ms, though it comes in parts',
    { timeout: 30_000 },
    (delayMs) => {
      const due = Date.now() + delayMs
      let ranAt = 0
      systemClock.setTimeout(() => {
        ranAt = Date.now()
      }, delayMs)
      vi.advanceTimersByTime(delayMs - 1)
      expect(ranAt).toBe(0)
      vi.advanceTimersByTime(1)
      expect(ranAt).toBe(due)
    },
  )

  it('never runs early by the wall clock, even where a timer fires early', () => {
    const callback = vi.fn()
    systemClock.setTimeout(callback, 1_000)
    vi.setSystemTime(Date.now() - 400)
    vi.advanceTimersByTime(1_000)
    expect(callback).not.toHaveBeenCalled()
    vi.advanceTimersByTime(400)
    expect(callback).toHaveBeenCalledOnce()
  })

  it('is late by no more than a minute where its timer stood still while the machine slept', () => {
    const callback = vi.fn()
    systemClock.setTimeout(callback, 8 * 3_600_000)
    vi.advanceTimersByTime(3_600_000)
    vi.setSystemTime(Date.now() + 12 * 3_600_000)
    vi.advanceTimersByTime(60_000)
    expect(callback).toHaveBeenCalledOnce()
  })

  it('does not run what was cancelled, also after a part of a long delay', () => {
    const callback = vi.fn()
    const timer = systemClock.setTimeout(callback, 2 ** 32)
    vi.advanceTimersByTime(2 ** 31)
    timer.cancel()
    timer.cancel()
    vi.advanceTimersByTime(2 ** 33)
    expect(callback).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('has a time that goes on by what passes, also when the time of day is set back', () => {
    const startedAt = systemClock.monotonic()
    vi.setSystemTime(Date.now() - 3_600_000)
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(startedAt)
    vi.advanceTimersByTime(1_000)
    expect(systemClock.monotonic() - startedAt).toBeGreaterThanOrEqual(1_000)
  })

  it('runs a delay of 0 or less in a turn of its own', () => {
    const callback = vi.fn()
    systemClock.setTimeout(callback, -5)
    expect(callback).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(callback).toHaveBeenCalledOnce()
  })
})

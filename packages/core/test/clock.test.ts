import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../src/adapter.js'
import { setAlarm } from '../src/contract/clock.js'

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

  it.each([-3_600_000, 3_600_000])('keeps a delay when the wall clock is set by %i ms', (setByMs) => {
    const callback = vi.fn()
    systemClock.setTimeout(callback, 1_000)
    vi.advanceTimersByTime(500)
    vi.setSystemTime(Date.now() + setByMs)
    vi.advanceTimersByTime(499)
    expect(callback).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
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

describe('an alarm of the real time', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('runs at its time, and at once if it is over', () => {
    const [soon, past] = [vi.fn(), vi.fn()]
    setAlarm(systemClock, soon, Date.now() + 150_000)
    setAlarm(systemClock, past, Date.now() - 1)
    vi.advanceTimersByTime(1)
    expect(past).toHaveBeenCalledOnce()
    vi.advanceTimersByTime(149_998)
    expect(soon).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(soon).toHaveBeenCalledOnce()
    vi.advanceTimersByTime(1_000_000)
    expect(soon).toHaveBeenCalledOnce()
  })

  it('waits for the time of day when the wall clock is set back', () => {
    const callback = vi.fn()
    setAlarm(systemClock, callback, Date.now() + 1_000)
    vi.setSystemTime(Date.now() - 3_600_000)
    vi.advanceTimersByTime(3_600_999)
    expect(callback).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(callback).toHaveBeenCalledOnce()
  })

  it('is late by no more than 3 s when the wall clock is set forward, or timers stood still while the machine slept', () => {
    const callback = vi.fn()
    setAlarm(systemClock, callback, Date.now() + 8 * 3_600_000)
    vi.advanceTimersByTime(3_600_000)
    vi.setSystemTime(Date.now() + 12 * 3_600_000)
    vi.advanceTimersByTime(3_000)
    expect(callback).toHaveBeenCalledOnce()
  })

  it('does not run once it was cancelled, also after a part of its wait', () => {
    const callback = vi.fn()
    const alarm = setAlarm(systemClock, callback, Date.now() + 100_000)
    vi.advanceTimersByTime(70_000)
    alarm.cancel()
    vi.advanceTimersByTime(100_000)
    expect(callback).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })
})

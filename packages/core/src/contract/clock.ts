import type { MemberKinds } from './checks/member-kinds.js'

/** The source of time, so that a test can drive it. An adapter with a clock of its own lends it to the whole queue. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /**
   * Milliseconds since an arbitrary moment, with fractions. It never goes back, even if the wall clock is set anew. Use it for durations
   * within one process, because every process counts from another moment.
   */
  monotonic(): number
  /** Runs `callback` once, no earlier than `delayMs` from now by `monotonic()`. */
  setTimeout(callback: () => void, delayMs: number): ClockTimer
  /**
   * Runs `callback` once `now()` has reached `time`, in milliseconds since 1970. Default: `setTimeout`, which compares with `now()` at
   * least every 3 s.
   */
  setAlarm?(callback: () => void, time: number): ClockTimer
}

export interface ClockTimer {
  /** Does nothing if it is called twice, or after the timer has fired. */
  cancel(): void
}

export const clockKinds: MemberKinds<Clock> = {
  now: 'function',
  monotonic: 'function',
  setTimeout: 'function',
  setAlarm: 'function?',
}

/** Node cannot wait longer in one go. */
const maxTimerMs = 2 ** 31 - 1
/**
 * The wall clock may be set, and timers stop while the machine sleeps, so an alarm looks at the wall clock again and again. Less than 5 s
 * go by in between, after which a tick may count as missed.
 */
const maxAlarmStepMs = 3_000

/** The real time. Its timers keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (callback, delayMs) => {
    const due = performance.now() + delayMs
    let timer: NodeJS.Timeout
    const arm = (remainingMs: number): void => {
      timer = setTimeout(fire, Math.min(Math.max(remainingMs, 0), maxTimerMs))
    }
    // Node's timers may fire a millisecond early.
    const fire = (): void => {
      const remainingMs = due - performance.now()
      if (remainingMs > 0) arm(remainingMs)
      else callback()
    }
    arm(delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
}

/** Runs `callback` once `clock.now()` has reached `time`. If the wall clock is set, it follows within 3 s. */
export function setAlarm(clock: Clock, callback: () => void, time: number): ClockTimer {
  if (clock.setAlarm !== undefined) return clock.setAlarm(callback, time)
  let timer: ClockTimer
  const arm = (): void => {
    const remainingMs = Math.max(0, time - clock.now())
    timer = clock.setTimeout(fire, Math.min(remainingMs, maxAlarmStepMs))
  }
  const fire = (): void => (clock.now() < time ? arm() : callback())
  arm()
  return { cancel: () => timer.cancel() }
}

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
  /** Runs `callback` once, no earlier than `delayMs` from now by `now()`. */
  setTimeout(callback: () => void, delayMs: number): ClockTimer
}

export interface ClockTimer {
  /** Does nothing if it is called twice, or after the timer has fired. */
  cancel(): void
}

export const clockKinds: MemberKinds<Clock> = { now: 'function', monotonic: 'function', setTimeout: 'function' }

/** Node's timers stop while the machine sleeps, so long ones are re-armed against the wall clock every minute. */
const maxTimerMs = 60_000

/** The real time. Its timers keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (callback, delayMs) => {
    const due = Date.now() + delayMs
    let timer: NodeJS.Timeout
    const arm = (remainingMs: number): void => {
      timer = setTimeout(fire, Math.min(Math.max(remainingMs, 0), maxTimerMs))
    }
    // Node's timers may fire a millisecond early by the wall clock.
    const fire = (): void => {
      const remainingMs = due - Date.now()
      if (remainingMs > 0) arm(remainingMs)
      else callback()
    }
    arm(delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
}

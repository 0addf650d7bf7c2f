import type { Clock, ClockTimer } from '../contract/clock.js'

const over: ClockTimer = { cancel: () => {} }

/**
 * The runs of one subscription that have not ended, with their timers. When the subscription has stopped, its last runs are void and
 * nothing is left for a timer to guard, so none may keep the process alive.
 */
export class OpenRuns {
  readonly #timers = new Set<ClockTimer>()
  #isOver = false
  /** How many runs have begun and not ended. */
  count = 0

  startTimer(clock: Clock, callback: () => void, delayMs: number): ClockTimer {
    if (this.#isOver) return over
    const timer = clock.setTimeout(() => {
      this.#timers.delete(own)
      callback()
    }, delayMs)
    const own: ClockTimer = {
      cancel: () => {
        this.#timers.delete(own)
        timer.cancel()
      },
    }
    this.#timers.add(own)
    return own
  }

  /** Cancels all timers, and starts none any more. */
  endTimers(): void {
    this.#isOver = true
    for (const timer of this.#timers) timer.cancel()
  }
}

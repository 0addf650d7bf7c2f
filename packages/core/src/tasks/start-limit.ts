import type { Clock } from '../clock.js'
import { refuseUnknown, requireDuration, requireInteger, requireOptions } from '../options.js'

/** At most `starts` runs of the task begin in this process within any `perMs`. */
export interface StartRate {
  readonly starts: number
  readonly perMs: number
}

/** Throws a `TypeError` or `MQ_INVALID_OPTION`. */
export function requireRate(rate: StartRate): void {
  requireOptions(rate, 'rate')
  refuseUnknown(rate, ['starts', 'perMs'], 'rate')
  requireInteger(rate.starts, 'rate.starts', { min: 1, max: 1_000_000 })
  requireDuration(rate.perMs, 'rate.perMs', 1)
}

/** Gives out the times at which runs may begin, in the order in which they ask. */
export function createStartLimit({ starts, perMs }: StartRate, clock: Clock) {
  /** The latest that were given out, as a ring. */
  const times: number[] = []
  let next = 0

  return {
    /** Resolves when a run may begin; rejects with the signal's reason when it aborts before. */
    turn(signal: AbortSignal): Promise<void> {
      const now = clock.now()
      const at = Math.max(now, (times[next] ?? Number.NEGATIVE_INFINITY) + perMs)
      times[next] = at
      next = (next + 1) % starts
      if (at <= now) return Promise.resolve()
      return new Promise((resolve, reject) => {
        const timer = clock.setTimeout(() => {
          signal.removeEventListener('abort', abort)
          resolve()
        }, at - now)
        const abort = (): void => {
          timer.cancel()
          reject(signal.reason)
        }
        if (signal.aborted) abort()
        else signal.addEventListener('abort', abort, { once: true })
      })
    },
  }
}

export type StartLimit = ReturnType<typeof createStartLimit>

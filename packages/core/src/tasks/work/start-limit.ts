import { keysOf, refuseUnknown, requireOptions } from '../../contract/checks/options.js'
import { requireDuration, requireInteger } from '../../contract/checks/values.js'
import type { Clock, ClockTimer } from '../../contract/clock.js'

/** Limits how many runs begin in this process: at most `starts` within any `perMs`. */
export interface StartRate {
  readonly starts: number
  readonly perMs: number
}

const rateNames = keysOf<StartRate>()({ starts: true, perMs: true })

/** Throws a `TypeError` or `MQ_INVALID_OPTION`. */
export function requireRate(rate: StartRate): void {
  requireOptions(rate, 'rate')
  refuseUnknown(rate, rateNames, 'rate')
  requireInteger(rate.starts, 'rate.starts', { min: 1, max: 1_000_000 })
  requireDuration(rate.perMs, 'rate.perMs', 1)
}

/** Creates the limiter of one worker. Runs begin in the order in which they ask. */
export function createStartLimit({ starts, perMs }: StartRate, clock: Clock) {
  /** A ring of the times at which the latest runs began. The real times count, not the planned ones, so a late run delays the next. */
  const times: number[] = []
  let next = 0
  const waiting = new Set<() => void>()
  let timer: ClockTimer | undefined

  const freeAt = (): number => (times[next] ?? Number.NEGATIVE_INFINITY) + perMs
  const begin = (): void => {
    times[next] = clock.monotonic()
    next = (next + 1) % starts
  }
  const arm = (): void => {
    if (timer !== undefined || waiting.size === 0) return
    timer = clock.setTimeout(
      () => {
        timer = undefined
        for (const resolve of waiting) {
          if (freeAt() > clock.monotonic()) break
          waiting.delete(resolve)
          begin()
          resolve()
        }
        arm()
      },
      Math.max(0, freeAt() - clock.monotonic()),
    )
  }

  return {
    /** Resolves when a run may begin. Rejects with the signal's reason if it aborts before. */
    turn(signal: AbortSignal): Promise<void> {
      if (waiting.size === 0 && freeAt() <= clock.monotonic()) {
        begin()
        return Promise.resolve()
      }
      return new Promise((resolve, reject) => {
        const go = (): void => {
          signal.removeEventListener('abort', abort)
          resolve()
        }
        const abort = (): void => {
          waiting.delete(go)
          if (waiting.size === 0) {
            timer?.cancel()
            timer = undefined
          }
          reject(signal.reason)
        }
        if (signal.aborted) return abort()
        signal.addEventListener('abort', abort, { once: true })
        waiting.add(go)
        arm()
      })
    },
  }
}

export type StartLimit = ReturnType<typeof createStartLimit>

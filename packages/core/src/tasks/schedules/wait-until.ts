import { maxDurationMs } from '../../contract/checks/values.js'
import type { Clock } from '../../contract/clock.js'
import { RetryLater } from '../../contract/retry-errors.js'

/** The largest difference between the clocks of machines that synchronise them. */
const maxSkewMs = 5_000

/**
 * Resolves at a time. Throws `RetryLater` if the time is further away than clocks differ, so that it holds nothing up. Rejects with the
 * signal's reason if the signal aborts.
 */
export async function waitUntil(time: number, clock: Clock, signal: AbortSignal): Promise<void> {
  const earlyMs = time - clock.now()
  if (earlyMs <= 0) return
  if (earlyMs > maxSkewMs) throw new RetryLater({ afterMs: Math.min(earlyMs, maxDurationMs) })
  await new Promise<void>((resolve, reject) => {
    const abort = (): void => {
      timer.cancel()
      reject(signal.reason)
    }
    const timer = clock.setTimeout(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    }, earlyMs)
    signal.addEventListener('abort', abort, { once: true })
  })
}

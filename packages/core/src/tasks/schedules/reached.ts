import { maxDurationMs } from '../../contract/checks.js'
import type { Clock } from '../../contract/clock.js'
import { RetryLater } from '../../contract/interruptions.js'

/** Clocks of machines that keep them right differ by less. */
const mostSkewMs = 5_000

/**
 * Resolves at a time. A time that is further away than clocks differ is not waited for: throws `RetryLater`, so that it holds
 * nothing up. Rejects with the signal's reason.
 */
export async function reached(time: number, clock: Clock, signal: AbortSignal): Promise<void> {
  const earlyMs = time - clock.now()
  if (earlyMs <= 0) return
  if (earlyMs > mostSkewMs) throw new RetryLater({ afterMs: Math.min(earlyMs, maxDurationMs) })
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

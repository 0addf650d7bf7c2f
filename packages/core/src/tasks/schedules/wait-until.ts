import { pause } from '../../adapter-kit/pause.js'
import { maxDurationMs } from '../../contract/checks/values.js'
import type { Clock } from '../../contract/clock.js'
import { RetryLater } from '../../contract/retry-errors.js'

/** The largest difference between the clocks of machines that synchronise them. */
export const maxSkewMs = 5_000

/**
 * Resolves at a time. Throws `RetryLater` if the time is further away than clocks differ, so that it holds nothing up. Rejects with the
 * signal's reason if the signal aborts.
 */
export async function waitUntil(time: number, clock: Clock, signal: AbortSignal): Promise<void> {
  // The wall clock may have been set back during the wait.
  for (let earlyMs = time - clock.now(); earlyMs > 0; earlyMs = time - clock.now()) {
    if (earlyMs > maxSkewMs) throw new RetryLater({ afterMs: Math.min(earlyMs, maxDurationMs) })
    await pause(earlyMs, clock, signal)
    signal.throwIfAborted()
  }
}

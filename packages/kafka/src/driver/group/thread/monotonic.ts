/**
 * How far the clock of the process is ahead of `performance.now()`, which begins anew in each thread. Both run at the same pace, also
 * while the process stands still.
 */
const aheadMs = ((): number => {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1_000 + nanoseconds / 1e6 - performance.now()
})()

/** Returns the time of a clock that all threads of the process share. */
export const sharedNow = (): number => performance.now() + aheadMs

/** Returns the time on that clock for a time of this thread's `performance.now()`. */
export const sharedTime = (nowMs: number): number => nowMs + aheadMs

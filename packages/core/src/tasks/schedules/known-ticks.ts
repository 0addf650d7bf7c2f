/** More than a takeover lasts, at ten ticks a second. */
const remembered = 2_000

/** Which ticks of a schedule have run: here, or as other replicas say. Times are milliseconds since 1970. */
export function createKnownTicks() {
  const ticks = new Set<number>()
  let last: number | undefined
  let lastRunAt: number | undefined

  return {
    has: (tick: number): boolean => ticks.has(tick),
    add(tick: number, nowMs: number): void {
      ticks.add(tick)
      last = Math.max(last ?? tick, tick)
      lastRunAt = Math.max(lastRunAt ?? nowMs, nowMs)
      if (ticks.size <= remembered) return
      const [oldest] = ticks
      if (oldest !== undefined) ticks.delete(oldest)
    },
    /** Whether something ran at the time of this tick or later. */
    hasRunSince: (tick: number): boolean => lastRunAt !== undefined && lastRunAt >= tick,
    /** The latest of all. */
    get last(): number | undefined {
      return last
    },
  }
}

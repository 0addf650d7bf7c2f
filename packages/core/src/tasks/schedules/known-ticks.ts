/** How many ticks are remembered: more than a takeover takes, at ten ticks a second. */
const maxRemembered = 2_000

/** Creates the record of the ticks that have run, here or in other replicas. Times are milliseconds since 1970. */
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
      if (ticks.size <= maxRemembered) return
      const [oldest] = ticks
      if (oldest !== undefined) ticks.delete(oldest)
    },
    /** Says whether any tick ran at the time of this one or later. */
    hasRunSince: (tick: number): boolean => lastRunAt !== undefined && lastRunAt >= tick,
    /** The latest tick that has run. */
    get last(): number | undefined {
      return last
    },
  }
}

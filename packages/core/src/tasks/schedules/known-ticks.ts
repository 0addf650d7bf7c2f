import { maxSkewMs } from './wait-until.js'

/** How many ticks are remembered: more than a takeover takes, at ten ticks a second. */
const maxRemembered = 2_000

/** Creates the record of the ticks that have run, here or in other replicas. Times are milliseconds since 1970. */
export function createKnownTicks() {
  const runHere = createRecentTicks()
  const announced = createRecentTicks()
  let last: number | undefined
  let lastRunAt: number | undefined

  const note = (tick: number, nowMs: number): void => {
    last = Math.max(last ?? tick, tick)
    lastRunAt = Math.max(lastRunAt ?? nowMs, nowMs)
  }

  return {
    /** Adds a tick that this replica has run. */
    add(tick: number, nowMs: number): void {
      runHere.add(tick)
      note(tick, nowMs)
    },
    /**
     * Adds a tick that another replica says it has run. Anybody who may write to the topic can say so. A tick that is further ahead than
     * clocks differ cannot have run, so it is ignored: it must not stop the schedule at its time.
     */
    announce(tick: number, nowMs: number): void {
      if (tick > nowMs + maxSkewMs) return
      announced.add(tick)
      note(tick, nowMs)
    },
    hasRunHere: (tick: number): boolean => runHere.has(tick),
    isAnnounced: (tick: number): boolean => announced.has(tick),
    /** Says whether any tick ran at the time of this one or later. */
    hasRunSince: (tick: number): boolean => lastRunAt !== undefined && lastRunAt >= tick,
    /** The latest tick that has run. */
    get last(): number | undefined {
      return last
    },
  }
}

/** Creates a set of ticks that forgets the earliest ones, so that ticks of long ago cannot take the place of recent ones. */
function createRecentTicks() {
  let ticks = new Set<number>()

  return {
    has: (tick: number): boolean => ticks.has(tick),
    add(tick: number): void {
      ticks.add(tick)
      if (ticks.size > 2 * maxRemembered) ticks = new Set([...ticks].sort((a, b) => a - b).slice(-maxRemembered))
    },
  }
}

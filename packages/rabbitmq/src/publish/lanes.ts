import type { Lane } from '../topology/delays.js'

/** Messages for one destination that are due in the same quarter of a second belong together. */
const slotMs = 250

/** More of them than this are a burst. */
const maxCalm = 50

/** Forgetting the counts at worst lets a burst have its first messages in the calm lane once more. */
const maxCounts = 10_000

/** Creates the choice of a lane for each delay: a burst queues behind itself, and others do not. */
export function createLanes(now = (): number => performance.now()) {
  const counts = new Map<string, number>()
  return (destination: string, delayMs: number): Lane => {
    const place = `${Math.floor((now() + delayMs) / slotMs)} ${destination}`
    const count = (counts.get(place) ?? 0) + 1
    if (count > maxCalm) return 'bulk'
    if (counts.size >= maxCounts && count === 1) counts.clear()
    counts.set(place, count)
    return 'calm'
  }
}

export type LaneOf = ReturnType<typeof createLanes>

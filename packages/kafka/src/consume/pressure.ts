import type { Tracker } from './tracker.js'

export interface PressureLimits {
  readonly ephemeral: boolean
  readonly maxUncommitted: number
}

/** The limits of unstarted entries, for each partition. */
const maxUnstarted = 2_000
const maxUnstartedBytes = 4 * 1024 * 1024
/** The limit in a partition that holds its records back. They come in the order in which they go on, so fewer are enough. */
const maxHeldBack = 500

/** Pauses the reading of a partition that has too much in memory, and resumes it when half of that is gone. */
export function applyPressure(tracker: Tracker, { ephemeral, maxUncommitted }: PressureLimits): void {
  if (ephemeral && tracker.uncommitted >= maxUncommitted) tracker.forgetFinished()
  const isHeldBack = tracker.kind === 'retry' && tracker.partition > 0
  const share = tracker.isPaused ? 0.5 : 1
  tracker.setPaused(
    tracker.unstarted >= (isHeldBack ? maxHeldBack : maxUnstarted) * share ||
      tracker.unstartedBytes >= maxUnstartedBytes * share ||
      tracker.uncommitted >= maxUncommitted * share,
  )
}

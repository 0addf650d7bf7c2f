import type { QueueStats } from '../contract/adapter.js'

/** The stats of a group that does not exist. Zeros would look like a group that has handled everything. */
export const unknownStats: QueueStats = Object.freeze({
  ready: undefined,
  inFlight: undefined,
  delayed: undefined,
  retrying: undefined,
  dead: undefined,
  oldestReadyMs: undefined,
  oldestDeadMs: undefined,
  paused: undefined,
})

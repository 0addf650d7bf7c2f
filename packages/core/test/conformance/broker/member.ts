import type { Failure, GroupPause } from '../../../src/index.js'
import type { StoredMessage, Subscribe } from './wire.js'

/** A message in one group. */
export interface Entry {
  readonly message: StoredMessage
  /** The number of started runs. */
  readonly runs: number
  readonly failure?: Failure
  readonly isReplayed?: boolean
  /** The number of runs that ended with their member. */
  readonly crashes?: number
  /** The time of the agenda at which it could run first. */
  readonly since: number
  /** Its place in the group's queue, which it keeps if it comes back unsettled. */
  readonly rank: number
}

export interface Delivered {
  readonly delivery: number
  readonly entry: Entry
}

/** The group's view of a consumer, which ends with its session. */
export interface Member {
  readonly options: Subscribe
  /** The unsettled deliveries by number. */
  readonly held: Map<number, Entry>
  /** The times of the agenda at which the held deliveries began. */
  readonly heldSince: Map<number, number>
  /** Whether it gets no more messages. */
  paused: boolean
  deliver(delivered: Delivered): void
  /** Notifies it that the group is paused, or no longer. */
  told(mark: GroupPause | undefined): void
  cancelled(loss: { readonly lost: number; readonly next: number }): void
}

import type { Failure } from '../../../src/index.js'
import type { StoredMessage, Subscribe } from './wire.js'

/** A message in one group. */
export interface Entry {
  readonly message: StoredMessage
  /** Runs that began. */
  readonly runs: number
  readonly failure?: Failure
  /** Its place in the group's queue. It keeps it when it comes back without having been settled. */
  readonly rank: number
}

export interface Delivered {
  readonly delivery: number
  readonly entry: Entry
}

/** A consumer as its group sees it. It ends with its session. */
export interface Member {
  readonly options: Subscribe
  /** What it was given and has not settled, by the number of the delivery. */
  readonly held: Map<number, Entry>
  /** Gets nothing more. */
  paused: boolean
  deliver(delivered: Delivered): void
  cancelled(loss: { readonly lost: number; readonly next: number }): void
}

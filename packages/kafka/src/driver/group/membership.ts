import type { PartitionOffset } from '../offsets.js'
import type { MemberListener } from './member.js'

/** A membership in a consumer group, as its consumer sees it. */
export interface Membership {
  /** True while it can commit. */
  readonly isIn: boolean
  /** True while the group waits for other members before this one is in it, at most until it takes the silent ones for dead. */
  readonly isAwaited: boolean
  start(listener: MemberListener): void
  /** Commits in the current generation. Rejects if the group no longer takes this for one of its members. */
  commit(offsets: readonly PartitionOffset[]): Promise<void>
  /** Calls `lost` now if others may own the partitions already. A process that stood still asks before it settles anything. */
  requireOwned(): void
  /** Leaves the group, if it can be reached in time. The listener is not called any more. */
  stop(timeoutMs: number): Promise<void>
}

import type { TopicPartition } from '../cluster.js'
import type { Lane } from './lane.js'
import type { Feed, Reader } from './reader.js'

/**
 * - `main`: new messages.
 * - `waiting`: messages that wait for their time, in topics of this adapter, whose partitions hardly ever have anything new. They are not
 *   read past a batch whose codec is missing.
 */
export type ReadKind = 'main' | 'waiting'

/** How far one reader has read one partition. */
export interface Position extends TopicPartition, Feed {
  readonly name: string
  readonly reader: Reader
  readonly kind: ReadKind
  /** The offset to read next. */
  from: number
  isPaused: boolean
  isClosed: boolean
  /** The topic that `from` belongs to. Undefined until it is known. */
  identity: string | undefined
  /** The last attempt to read it failed. */
  isFailing: boolean
  /** The lane that reads it. Undefined while there is none, because its leader is looked for or an error concerns it alone. */
  lane: Lane | undefined
  /** When records came last, by the monotonic clock. At first, when it was added. */
  activeAt: number
  /** The number of the last request that asked for it. */
  askedIn: number
}

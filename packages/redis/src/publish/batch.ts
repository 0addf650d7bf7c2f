import type { PendingParcel } from '@mq/core/adapter'
import { type Packed, packedBytes } from '../wire/fields.js'

/** A message on its way to the broker. */
export interface Parcel extends Packed, PendingParcel {
  /** Counts all messages, so that one that has to be sent again returns to its place. */
  readonly number: number
  readonly key: string | undefined
  readonly isDelayed: boolean
}

/** The messages that one script stores. */
export interface Batch {
  readonly parcels: readonly Parcel[]
  readonly keys: ReadonlySet<string>
}

/** Enough for one script to be fast, and few enough to keep the broker busy for a few milliseconds only. */
const maxMessages = 200
const maxBytes = 512 * 1024
/** A batch of this size is not divided. */
const minMessages = 16

export interface BatchLimits {
  /** How many messages wait or are being sent. A batch takes at most half of them, so both sides always have something to do. */
  readonly underWay: number
  /** Whether a message of the key is being sent. */
  readonly isKeyInFlight: (key: string) => boolean
}

/** Says how many of the waiting parcels the next batch takes from the front, and which keys they have. */
export function planBatch(
  waiting: readonly Parcel[],
  { underWay, isKeyInFlight }: BatchLimits,
): { readonly count: number; readonly keys: ReadonlySet<string> } {
  const max = Math.min(waiting.length, maxMessages, Math.max(minMessages, Math.ceil(underWay / 2)))
  const keys = new Set<string>()
  let bytes = 0
  let count = 0
  while (count < max && (count === 0 || bytes < maxBytes)) {
    const parcel = waiting[count] as Parcel
    const { key } = parcel
    if (key !== undefined) {
      if (isKeyInFlight(key)) break
      keys.add(key)
    }
    bytes += packedBytes(parcel)
    count += 1
  }
  return { count, keys }
}

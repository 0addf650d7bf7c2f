import { type PendingParcel, type StoreOutcome, settleParcel } from '@mq/core/adapter'
import { statementError } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import type { Settings } from '../options.js'
import { inSchema } from '../topology/names.js'

/** A message on its way to the database. */
export interface Parcel extends PendingParcel {
  /** Counts all messages, so that one that has to be sent again returns to its place. */
  readonly number: number
  readonly id: string
  readonly key: string | undefined
  readonly head: string
  readonly body: Uint8Array
  readonly delayMs: number
}

/** The messages that one statement stores. */
export interface Batch {
  readonly parcels: readonly Parcel[]
  readonly keys: ReadonlySet<string>
}

const maxMessages = 500
const maxBytes = 1024 * 1024
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
  const ids = new Set<string>()
  let bytes = 0
  let count = 0
  while (count < max && (count === 0 || bytes < maxBytes)) {
    const { id, key, head, body } = waiting[count] as Parcel
    // A statement cannot look at the same id twice.
    if (ids.has(id)) break
    if (key !== undefined) {
      if (isKeyInFlight(key)) break
      keys.add(key)
    }
    ids.add(id)
    bytes += head.length + body.byteLength
    count += 1
  }
  return { count, keys }
}

export interface BatchSenderParts {
  readonly topic: string
  readonly settings: Settings
  readonly link: Link
  /** Called once messages are stored. */
  readonly onStored: (stored: { readonly topic: string; readonly topicId: string; readonly isDelayed: boolean }) => void
}

/**
 * Creates the function that stores a batch in one statement and settles its parcels. It rejects with a `StatementError` if the statement
 * had no result; each parcel then says whether it may be stored.
 */
export function batchSender({ topic, settings, link, onStored }: BatchSenderParts) {
  const text = inSchema(
    'SELECT topic::text, has_groups FROM mq.publish_1($1, $2, $3, $4, $5, $6, $7, $8)',
    settings.schema,
  )

  async function store(parcels: readonly Parcel[]): Promise<void> {
    const [row] = await link.publishing.query(text, [
      topic,
      parcels.map(({ id }) => id),
      parcels.map(({ key }) => key ?? null),
      parcels.map(({ head }) => head),
      parcels.map(({ delayMs }) => delayMs),
      parcels.map(({ body }) => body.byteLength),
      Buffer.concat(parcels.map(({ body }) => body)),
      settings.dedupeMs,
    ])
    const now: StoreOutcome = { status: 'stored', routed: row?.has_groups === true ? 'yes' : 'no' }
    for (const parcel of parcels) settleParcel(parcel, parcel.delayMs > 0 ? storedForLater : now)
    onStored({ topic, topicId: String(row?.topic), isDelayed: parcels.some(({ delayMs }) => delayMs > 0) })
  }

  return async (parcels: readonly Parcel[]): Promise<void> => {
    const before = parcels.map(({ maybeStored }) => maybeStored)
    for (const parcel of parcels) parcel.maybeStored = true
    try {
      await store(parcels)
    } catch (cause) {
      const error = statementError(cause)
      if (error.kind !== 'unanswered') {
        for (const [index, parcel] of parcels.entries()) parcel.maybeStored = before[index] as boolean
      }
      throw error
    }
  }
}

/** Nobody knows yet which groups there will be when a delayed message is due. */
const storedForLater: StoreOutcome = { status: 'stored', routed: 'unknown' }

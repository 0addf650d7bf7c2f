import { type PendingParcel, rejectedOutcome, type StoreOutcome, settleParcel, unknownOutcome } from '@mq/core/adapter'
import { commandError } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import type { Settings, WaitCommand } from '../options.js'
import { joinPacked, type Packed, packedBytes } from '../wire/fields.js'
import type { TopicKeys } from '../wire/keys.js'
import { publishScript } from '../wire/scripts/publish.js'

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

export interface BatchSenderParts {
  readonly settings: Settings
  readonly keys: TopicKeys
  readonly link: Link
}

/**
 * Creates the function that stores a batch in one script and settles its parcels. It rejects with a `CommandError` if the script had no
 * result; each parcel then says whether it may be stored.
 */
export function batchSender({ settings, keys, link }: BatchSenderParts) {
  const { dedupeMs, retain, wait } = settings
  const { stream, delayed, delayedData, seq, ids, idsOld, groups, listeners } = keys
  const scriptKeys = [stream, delayed, delayedData, seq, ids, idsOld, groups, listeners]

  async function store(parcels: readonly Parcel[]): Promise<void> {
    const copies: Promise<unknown>[] = []
    // WAIT counts copies of what its own connection wrote before it, so it follows the script each time the script is sent.
    const waitForCopies = ({ name, args, timeoutMs }: WaitCommand): void => {
      const reply = link.send(name, [...args, timeoutMs], timeoutMs + settings.commandTimeoutMs)
      reply.catch(() => {})
      copies.push(reply)
    }
    const args = [dedupeMs, retain, wait === undefined ? 0 : 1, joinPacked(parcels)]
    const reply = await link.run(publishScript, scriptKeys, args, wait && (() => waitForCopies(wait)))
    const [hasGroups, ...refused] = reply as readonly (number | Buffer)[]
    const missing = wait && (await missingCopies(copies.at(-1), wait.args))
    for (let at = 0; at < refused.length; at += 2) {
      const parcel = parcels[Number(refused[at]) - 1] as Parcel
      settleParcel(parcel, rejectedOutcome({ why: `Redis refused it: ${refused[at + 1]}` }))
    }
    const outcomes = missing === undefined ? storedOutcomes(hasGroups === 1) : unknownOutcomes(missing)
    for (const parcel of parcels) settleParcel(parcel, parcel.isDelayed ? outcomes.delayed : outcomes.now)
  }

  return async (parcels: readonly Parcel[]): Promise<void> => {
    const before = parcels.map(({ maybeStored }) => maybeStored)
    for (const parcel of parcels) parcel.maybeStored = true
    try {
      await store(parcels)
    } catch (cause) {
      const error = commandError(cause)
      if (error.kind !== 'unanswered') {
        for (const [index, parcel] of parcels.entries()) parcel.maybeStored = before[index] as boolean
      }
      throw error
    }
  }
}

interface Outcomes {
  readonly now: StoreOutcome
  readonly delayed: StoreOutcome
}

/** Nobody knows yet which groups there will be when a delayed message is due. */
const storedOutcomes = (hasGroups: boolean): Outcomes => ({
  now: { status: 'stored', routed: hasGroups ? 'yes' : 'no' },
  delayed: storedForLater,
})

const storedForLater: StoreOutcome = { status: 'stored', routed: 'unknown' }

function unknownOutcomes(cause: Error): Outcomes {
  const outcome = unknownOutcome({ why: cause.message, cause })
  return { now: outcome, delayed: outcome }
}

/** Returns an error if fewer copies were confirmed in time than wanted. */
async function missingCopies(
  copies: Promise<unknown> | undefined,
  wanted: readonly number[],
): Promise<Error | undefined> {
  try {
    const reply = await copies
    const counts = (Array.isArray(reply) ? reply : [reply]).map(Number)
    if (wanted.every((want, index) => (counts[index] ?? 0) >= want)) return undefined
    return new Error(`only ${counts.join(' and ')} of ${wanted.join(' and ')} copies were confirmed in time`)
  } catch (error) {
    return commandError(error)
  }
}

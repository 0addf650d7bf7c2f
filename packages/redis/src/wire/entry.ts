import {
  decodeFailure,
  emptyHeaders,
  type Failure,
  MqError,
  messageFromAttributes,
  type RawMessage,
} from '@mq/core/adapter'
import { attemptField, bodyField, failureField, headerPrefix, originField, timeOf, unreadableField } from './fields.js'
import { undecodableError, undecodableMessage } from './foreign.js'
import { type ForeignForm, foreignContent } from './foreign-topic.js'

/** A stream entry, undecoded. */
export interface Entry {
  readonly id: string
  /** The names and values in turn. */
  readonly fields: readonly Buffer[]
}

export interface DecodedEntry {
  readonly message: RawMessage
  /** The attempt that the entry names. Deliveries that ended without a settlement are added to it. */
  readonly attempt: number
  readonly failure: Failure | undefined
  readonly decodeError: MqError | undefined
  /** The bytes of all names and values. */
  readonly bytes: number
}

const ownFields: ReadonlySet<string> = new Set([attemptField, originField, failureField])

/** The fields of an entry by their meaning. */
interface Parts {
  readonly attributes: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly body: Buffer | undefined
  readonly attempt: number
  readonly failure: Failure | undefined
  /** The id that the entry had in the topic's stream. */
  readonly origin: string
  readonly isUnreadable: boolean
}

/**
 * Decodes an entry. Attributes may be missing, as in entries of other programs. An entry without a `data` field, or with a `specversion`
 * of another major version, cannot be decoded. Its body is then a text that shows what was found. Never throws.
 *
 * With `form`, an entry without a `specversion` is read as the foreign topic says.
 */
export function decodeEntry(entry: Entry, topic: string, form?: ForeignForm): DecodedEntry {
  const bytes = bytesOf(entry.fields)
  let parts: Parts | undefined
  try {
    parts = partsOf(entry)
    if (form !== undefined && !('specversion' in parts.attributes)) parts = foreignParts(entry, parts, form)
    const { attempt, failure } = parts
    return { message: messageOf(parts, topic), attempt, failure, decodeError: undefined, bytes }
  } catch (error) {
    const { attempt, failure } = parts ?? { attempt: 1, failure: undefined }
    return { message: undecodableMessage(entry, topic), attempt, failure, decodeError: undecodableError(error), bytes }
  }
}

function messageOf({ attributes, headers, body, origin, isUnreadable }: Parts, topic: string): RawMessage {
  if (body === undefined && isUnreadable) {
    throw new MqError('MQ_UNDECODABLE', 'The stored fields of a delayed message cannot be unpacked')
  }
  if (body === undefined) throw new MqError('MQ_UNDECODABLE', `The entry has no field '${bodyField}'`)
  const content = { headers: headers === undefined ? emptyHeaders : Object.freeze(headers), body }
  return messageFromAttributes(attributes, content, { id: origin, topic, timeMs: timeOf(origin) })
}

function partsOf({ id, fields }: Entry): Parts {
  const attributes: Record<string, string> = Object.create(null)
  let headers: Record<string, string> | undefined
  let body: Buffer | undefined
  let attempt = 1
  let failure: Failure | undefined
  let origin = id
  let isUnreadable = false
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = (fields[index] as Buffer).toString()
    const value = fields[index + 1] as Buffer
    if (name === bodyField) body = value
    // The scripts name the lane of a message by its first key.
    else if (name === 'partitionkey') attributes.partitionkey ||= value.toString()
    else if (name === attemptField) attempt = Math.max(1, Math.trunc(Number(value.toString())) || 1)
    else if (name === originField) origin = value.toString()
    else if (name === failureField) failure = decodeFailure(value.toString())
    else if (name === unreadableField) isUnreadable = true
    else if (name.startsWith(headerPrefix)) {
      headers ??= Object.create(null) as Record<string, string>
      headers[name.slice(headerPrefix.length)] = value.toString()
    } else attributes[name] = value.toString()
  }
  return { attributes, headers, body, attempt, failure, origin, isUnreadable }
}

/** Reads the entry of another program. Only what we added ourselves has a meaning beyond the message. */
function foreignParts({ fields }: Entry, parts: Parts, form: ForeignForm): Parts {
  const pairs: [string, Buffer][] = []
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = (fields[index] as Buffer).toString()
    if (!ownFields.has(name)) pairs.push([name, fields[index + 1] as Buffer])
  }
  const { contentType, headers, body } = foreignContent(pairs, form)
  const attributes = contentType === undefined ? {} : { datacontenttype: contentType }
  return { ...parts, attributes, headers, body }
}

function bytesOf(fields: readonly Buffer[]): number {
  let bytes = 0
  for (const field of fields) bytes += field.length
  return bytes
}

/** The stream of an entry: the topic's (`m`), or the group's own stream for retries (`r`). */
export type Kind = 'm' | 'r'

/** An entry that a consumer owns at the broker. */
export interface OwnedEntry {
  readonly kind: Kind
  readonly id: string
  readonly entry: DecodedEntry
  /** The lane in which an ordered consumer got it, and '' without one. */
  readonly lane: string
  /** How often the entry was delivered from this stream, including this time. */
  readonly deliveries: number
  /** When the claim was requested, by `performance.now`. The claim holds for `visibilityMs` from then on. */
  readonly claimedAt: number
}

/** An entry that is pending although the stream no longer has it, because another program trimmed or deleted it. */
export interface GoneEntry {
  readonly kind: Kind
  readonly id: string
}

/** The entries that one answer brings. */
export interface Received {
  readonly owned: readonly OwnedEntry[]
  readonly gone: readonly GoneEntry[]
  /** How many delayed messages were due and had no fields. */
  readonly emptied: number
}

export const nothingReceived: Received = { owned: [], gone: [], emptied: 0 }

type RawRow = readonly [kind: Buffer, id: Buffer, deliveries: number, fields: readonly Buffer[], lane?: Buffer]

/** Decodes the rows of a script that takes or claims messages: kind, entry id, deliveries, fields and lane of each. */
export function receivedRows(rows: readonly unknown[], topic: string, claimedAt: number, form?: ForeignForm): Received {
  const owned: OwnedEntry[] = []
  const gone: GoneEntry[] = []
  for (const row of rows as readonly RawRow[]) {
    const kind: Kind = row[0].toString() === 'r' ? 'r' : 'm'
    const id = row[1].toString()
    if (row[2] === 0) {
      gone.push({ kind, id })
      continue
    }
    const entry = decodeEntry({ id, fields: row[3] }, topic, form)
    owned.push({ kind, id, entry, lane: row[4]?.toString() ?? '', deliveries: row[2], claimedAt })
  }
  return { owned, gone, emptied: 0 }
}

/** An entry in an answer of XREAD, XREADGROUP or XRANGE. */
export type RawEntry = readonly [id: Buffer, fields: readonly Buffer[] | null]

/** Returns the entries of the one stream that was read, and none if the time was over. */
export const entriesOf = (reply: unknown): readonly RawEntry[] =>
  (reply as readonly (readonly [Buffer, readonly RawEntry[]])[] | null)?.[0]?.[1] ?? []

/** Decodes the answer of an XREADGROUP on the topic's stream, which delivers each entry for the first time. */
export function receivedEntries(reply: unknown, topic: string, claimedAt: number, form?: ForeignForm): Received {
  const entries = entriesOf(reply)
  if (entries.length === 0) return nothingReceived
  const owned = entries.map(([raw, fields]): OwnedEntry => {
    const id = raw.toString()
    const entry = decodeEntry({ id, fields: fields ?? [] }, topic, form)
    return { kind: 'm', id, entry, lane: '', deliveries: 1, claimedAt }
  })
  return { owned, gone: [], emptied: 0 }
}

/** Returns the lowest and the highest of some ids, of which there is at least one. */
export function idRange(ids: readonly string[]): [string, string] {
  let low = ids[0] as string
  let high = low
  for (const id of ids) {
    if (isBefore(id, low)) low = id
    if (isBefore(high, id)) high = id
  }
  return [low, high]
}

function isBefore(a: string, b: string): boolean {
  const dash = a.indexOf('-')
  if (a.length === b.length && b[dash] === '-') return a < b
  const [aTime = '', aNumber = ''] = a.split('-')
  const [bTime = '', bNumber = ''] = b.split('-')
  return aTime === bTime ? isSmaller(aNumber, bNumber) : isSmaller(aTime, bTime)
}

/** Compares decimal numbers of up to 20 digits, which a number cannot hold exactly. */
const isSmaller = (a: string, b: string): boolean => (a.length === b.length ? a < b : a.length < b.length)

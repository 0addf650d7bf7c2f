import {
  attributesOf,
  decodeFailure,
  emptyHeaders,
  encodeFailure,
  type Failure,
  isMqError,
  isTombstone,
  type MessageHeaders,
  MqError,
  messageFromAttributes,
  type OutgoingMessage,
  type RawMessage,
} from '@mq/core/adapter'
import { textAt } from '../driver/records/readers.js'
import type { KafkaRecord } from '../driver/records/record-batch.js'
import type { OutgoingHeader, OutgoingRecord } from '../driver/records/record-writer.js'
import { maxDelayMs } from '../topology/tiers.js'
import { originHeader } from './message-place.js'

/** The headers that hold the history of a message in its group. */
const ownHeader = { attempt: 'mq-attempt', failure: 'mq-failure', delay: 'mq-delay', origin: originHeader } as const

/** The headers of a dead letter that is not the message itself. */
export const letterHeader = {
  /** The body is a whole batch that could not be read: `topic/partition/first-last`, with its offsets. */
  batch: 'mq-batch',
  /** The body is only the beginning of a message that is too large: `topic/partition/offset`, where the message is. */
  stub: 'mq-stub',
  /** The length of that message's body. */
  stubOf: 'mq-stub-of-bytes',
} as const

const letterHeaders: readonly string[] = Object.values(letterHeader)

/** Objects whose first fields are the same in the same order are quick to fill and to read. */
const noAttributes = {
  specversion: undefined,
  id: undefined,
  source: undefined,
  type: undefined,
  time: undefined,
  datacontenttype: undefined,
  partitionkey: undefined,
}

/** The attribute that a header holds, for the headers of nearly every record: a lookup is quicker than cutting off `ce_`. */
const attributeOf: ReadonlyMap<string, string> = new Map([
  ...Object.keys(noAttributes).map((name) => [`ce_${name}`, name] as const),
  ['content-type', 'datacontenttype'],
])

/** The reverse of `attributeOf`. */
const headerOf: ReadonlyMap<string, string> = new Map([...attributeOf].map(([name, attribute]) => [attribute, name]))

/** The history of a message in its group, beside what was published. */
export interface Envelope {
  readonly attempt?: number | undefined
  readonly failure?: Failure | undefined
  /** Counted from the record's timestamp, or from now if that lies in the future. */
  readonly delayMs?: number | undefined
  /** The name of its entry, if it has had that since another record. */
  readonly origin?: string | undefined
}

/** Encodes a CloudEvent in Kafka's binary content mode: attributes as `ce_` headers, the body as the value. */
export function encodeRecord(
  message: RawMessage,
  { attempt, failure, delayMs, origin }: Envelope = {},
  key: string | null = message.key ?? null,
): OutgoingRecord {
  const attributes = attributesOf(message)
  const headers: OutgoingHeader[] = []
  for (const name in message.headers) headers.push({ name, value: message.headers[name] as string })
  for (const name in attributes) {
    headers.push({ name: headerOf.get(name) ?? `ce_${name}`, value: attributes[name] as string })
  }
  if (attempt !== undefined && attempt > 1) headers.push({ name: ownHeader.attempt, value: String(attempt) })
  if (failure !== undefined) headers.push({ name: ownHeader.failure, value: encodeFailure(failure) })
  if (delayMs !== undefined && delayMs > 0) headers.push({ name: ownHeader.delay, value: String(Math.ceil(delayMs)) })
  if (origin !== undefined) headers.push({ name: ownHeader.origin, value: origin })
  const { buffer, byteOffset, byteLength } = message.body
  return { key, value: Buffer.from(buffer, byteOffset, byteLength), headers }
}

/** The header that stands for a null value where that would mean something else: it would strike a dead letter out. */
const tombstoneHeader = 'ce_tombstone'

/** Encodes a message that is published. A tombstone has a null value, by which compaction deletes its key. */
export function encodeOutgoing(message: OutgoingMessage): OutgoingRecord {
  const record = encodeRecord(message, { delayMs: message.delayMs })
  if (message.body.byteLength > 0 || !isTombstone(message)) return record
  return { ...record, value: null, headers: record.headers.filter(({ name }) => name !== tombstoneHeader) }
}

export interface DecodedRecord {
  readonly message: RawMessage
  readonly attempt: number
  readonly failure?: Failure
  /** The time from which it may be handled, in milliseconds since 1970. */
  readonly dueMs: number
  readonly decodeError?: MqError
}

export interface RecordPlace {
  readonly topic: string
  readonly partition: number
  /** The topic as applications call it. */
  readonly name?: string
  /** It is one of the dead letters, whose keys are their own and not those of their messages. */
  readonly isLetter?: boolean
}

type OwnHeaders = Readonly<Record<string, string | undefined>>

const ownHeaders: readonly string[] = Object.values(ownHeader)

const noOwnHeaders: OwnHeaders = Object.freeze({
  [ownHeader.attempt]: undefined,
  [ownHeader.failure]: undefined,
  [ownHeader.delay]: undefined,
  [ownHeader.origin]: undefined,
})

/** Never throws. An unreadable record has a `decodeError`, and its bytes as the body. */
export function decodeRecord(record: KafkaRecord, at: RecordPlace): DecodedRecord {
  try {
    return decoded(record, at)
  } catch (error) {
    return { ...firstAttempt, message: bareMessage(record, at), decodeError: unreadable(error) }
  }
}

/** Makes a message of the body alone. So a record that fails in an unexpected way is a dead letter too, and holds up nothing. */
const bareMessage = (record: KafkaRecord, at: RecordPlace): RawMessage =>
  messageFromAttributes(
    {},
    { headers: emptyHeaders, body: record.value ?? noBytes },
    { id: recordId(record, at), topic: at.name ?? at.topic, timeMs: Date.now() },
  )

const recordId = ({ offset }: KafkaRecord, { topic, partition }: RecordPlace): string =>
  `${topic}/${partition}/${offset}`

function decoded(record: KafkaRecord, at: RecordPlace): DecodedRecord {
  const attributes: Record<string, string | undefined> = { ...noAttributes }
  let own = noOwnHeaders
  let headers: Record<string, string> | undefined
  for (const { name, value } of record.headers) {
    const attribute = attributeOf.get(name)
    if (attribute !== undefined) attributes[attribute] = value
    else if (name.startsWith('ce_')) attributes[name.slice(3)] = value
    else if (ownHeaders.includes(name)) own = { ...own, [name]: value }
    // Only a dead letter has these. Another program could make a message look like the beginning of a larger one.
    else if (at.isLetter || !letterHeaders.includes(name)) {
      headers ??= Object.create(null) as Record<string, string>
      headers[name] = value
    }
  }
  // In the Kafka binding the record's key stands for the partition key.
  if (!at.isLetter && attributes.partitionkey === undefined && record.key !== undefined)
    attributes.partitionkey = textAt(record.key, 0, record.key.length)
  if (record.value === undefined) attributes.tombstone = 'true'
  const content = {
    headers: record.unreadable === undefined ? headersOf(headers) : placeOfBatch(record, at),
    body: record.value ?? noBytes,
  }
  const id = attributes.id || recordId(record, at)
  const defaults = { id, topic: at.name ?? at.topic, timeMs: record.timestampMs }
  const envelope = own === noOwnHeaders ? firstAttempt : envelopeOf(own, record.timestampMs)
  try {
    if (record.unreadable !== undefined) throw unreadable(record.unreadable.cause)
    return { ...envelope, message: messageFromAttributes(attributes, content, defaults) }
  } catch (error) {
    const decodeError = isMqError(error) ? error : unreadable(error)
    return { ...envelope, message: messageFromAttributes({}, content, defaults), decodeError }
  }
}

const headersOf = (headers: Record<string, string> | undefined): MessageHeaders =>
  headers === undefined ? emptyHeaders : Object.freeze(headers)

const placeOfBatch = ({ offset, unreadable }: KafkaRecord, { topic, partition }: RecordPlace): MessageHeaders =>
  Object.freeze({ [letterHeader.batch]: `${topic}/${partition}/${offset}-${unreadable?.lastOffset ?? offset}` })

/** The envelope of a message that was published without a delay and has not been tried yet. */
const firstAttempt = Object.freeze({ attempt: 1, dueMs: 0 })

function envelopeOf(own: OwnHeaders, timestampMs: number) {
  const attempt = Number(own[ownHeader.attempt])
  const delay = Number(own[ownHeader.delay])
  const failure = decodeFailure(own[ownHeader.failure])
  return {
    attempt: Number.isSafeInteger(attempt) && attempt > 0 ? attempt : 1,
    // Another program may have made up the timestamp or the delay. Neither must let the message wait forever.
    dueMs: delay > 0 ? Math.min(timestampMs, Date.now()) + Math.min(delay, maxDelayMs) : 0,
    ...(failure && { failure }),
  }
}

const noBytes = Buffer.alloc(0)

const unreadable = (cause: unknown): MqError =>
  new MqError('MQ_UNDECODABLE', `The record cannot be read: ${(cause as Error).message}`, { cause })

import {
  decodeFailure,
  emptyHeaders,
  type Failure,
  isMqError,
  type MessageHeaders,
  MqError,
  messageFromAttributes,
  type RawMessage,
} from '@mq/core/adapter'
import { textAt } from '../driver/records/header-reader.js'
import type { KafkaRecord } from '../driver/records/record-batch.js'
import { maxDelayMs } from '../topology/tiers.js'
import { attributeOf, letterHeader, noAttributes, ownHeader } from './headers.js'

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
  /** False if the record's key is not the message's. */
  readonly keyed?: boolean
}

type OwnHeaders = Readonly<Record<string, string | undefined>>

const ownHeaders: readonly string[] = Object.values(ownHeader)

const noOwnHeaders: OwnHeaders = Object.freeze({
  [ownHeader.attempt]: undefined,
  [ownHeader.failure]: undefined,
  [ownHeader.delay]: undefined,
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
    else {
      headers ??= Object.create(null) as Record<string, string>
      headers[name] = value
    }
  }
  // In the Kafka binding the record's key stands for the partition key.
  if (at.keyed !== false && attributes.partitionkey === undefined && record.key !== undefined)
    attributes.partitionkey = textAt(record.key, 0, record.key.length)
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

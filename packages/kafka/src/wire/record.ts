import {
  attributesOf,
  decodeFailure,
  emptyHeaders,
  encodeFailure,
  type Failure,
  isMqError,
  MqError,
  messageFromAttributes,
  type OutgoingMessage,
  type RawMessage,
} from '@mq/core/adapter'
import { textAt } from '../driver/header-reader.js'
import type { KafkaRecord } from '../driver/record-batch.js'
import type { OutgoingHeader, OutgoingRecord } from '../driver/record-writer.js'
import { maxDelayMs } from '../topology/tiers.js'

/** What the adapter itself knows about a message, beside what was published. */
export interface Envelope {
  readonly attempt?: number | undefined
  readonly failure?: Failure | undefined
  /** Counted from the record's timestamp, or from now where that lies in the future. */
  readonly delayMs?: number | undefined
}

const header = { attempt: 'mq-attempt', failure: 'mq-failure', delay: 'mq-delay' } as const
const ownHeaders: readonly string[] = Object.values(header)

/** A CloudEvent in Kafka's binary content mode: attributes as `ce_` headers, the body as the value. */
export function encodeRecord(
  message: RawMessage,
  { attempt, failure, delayMs }: Envelope = {},
  key: string | null = message.key ?? null,
): OutgoingRecord {
  const attributes = attributesOf(message)
  const headers: OutgoingHeader[] = []
  for (const name in message.headers) headers.push({ name, value: message.headers[name] as string })
  for (const name in attributes) {
    headers.push({ name: headerOf.get(name) ?? `ce_${name}`, value: attributes[name] as string })
  }
  if (attempt !== undefined && attempt > 1) headers.push({ name: header.attempt, value: String(attempt) })
  if (failure !== undefined) headers.push({ name: header.failure, value: encodeFailure(failure) })
  if (delayMs !== undefined && delayMs > 0) headers.push({ name: header.delay, value: String(Math.ceil(delayMs)) })
  const { buffer, byteOffset, byteLength } = message.body
  return { key, value: Buffer.from(buffer, byteOffset, byteLength), headers }
}

export const encodeOutgoing = (message: OutgoingMessage): OutgoingRecord =>
  encodeRecord(message, { delayMs: message.delayMs })

export interface DecodedRecord extends Envelope {
  readonly message: RawMessage
  readonly attempt: number
  /** When it may be handled, in milliseconds since 1970. */
  readonly dueMs: number
  readonly decodeError?: MqError
}

export interface RecordPlace {
  readonly topic: string
  readonly partition: number
  /** The topic as applications call it. */
  readonly name?: string
  /** False where the record's key is not the message's. */
  readonly keyed?: boolean
}

/** Objects that begin with the same fields in the same order are quick to fill and to read. */
const noAttributes = {
  specversion: undefined,
  id: undefined,
  source: undefined,
  type: undefined,
  time: undefined,
  datacontenttype: undefined,
  partitionkey: undefined,
}

/** The headers of nearly every record, and the attributes that they are: looking up is quicker than cutting. */
const attributeOf: ReadonlyMap<string, string> = new Map([
  ...Object.keys(noAttributes).map((name) => [`ce_${name}`, name] as const),
  ['content-type', 'datacontenttype'],
])

const headerOf: ReadonlyMap<string, string> = new Map([...attributeOf].map(([name, attribute]) => [attribute, name]))

const noneOfOurs = Object.freeze({
  [header.attempt]: undefined,
  [header.failure]: undefined,
  [header.delay]: undefined,
})

/** Never throws: what cannot be read comes with a `decodeError` and the bytes that it was. */
export function decodeRecord(record: KafkaRecord, at: RecordPlace): DecodedRecord {
  try {
    return decoded(record, at)
  } catch (error) {
    return { ...published, message: bareMessage(record, at), decodeError: unreadable(error) }
  }
}

/** Of what was not expected, so that it is a dead letter too and holds up nothing: the body, and nothing that was looked into. */
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
  let own: Record<string, string | undefined> = noneOfOurs
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
  // The Kafka binding has the record's key stand for the partition key.
  if (at.keyed !== false && attributes.partitionkey === undefined && record.key !== undefined)
    attributes.partitionkey = textAt(record.key, 0, record.key.length)
  const content = {
    headers: headers === undefined ? emptyHeaders : Object.freeze(headers),
    body: record.value ?? noBytes,
  }
  const id = attributes.id || recordId(record, at)
  const defaults = { id, topic: at.name ?? at.topic, timeMs: record.timestampMs }
  const envelope = own === noneOfOurs ? published : envelopeOf(own, record.timestampMs)
  try {
    if (record.unreadable !== undefined) throw unreadable(record.unreadable)
    return { ...envelope, message: messageFromAttributes(attributes, content, defaults) }
  } catch (error) {
    const decodeError = isMqError(error) ? error : unreadable(error)
    return { ...envelope, message: messageFromAttributes({}, content, defaults), decodeError }
  }
}

/** What was published with no delay and was not tried yet. */
const published = Object.freeze({ attempt: 1, dueMs: 0 })

function envelopeOf(own: Readonly<Record<string, string | undefined>>, timestampMs: number) {
  const attempt = Number(own[header.attempt])
  const delay = Number(own[header.delay])
  const failure = decodeFailure(own[header.failure])
  return {
    attempt: Number.isSafeInteger(attempt) && attempt > 0 ? attempt : 1,
    // A timestamp or a delay that another program made up must not have the message wait for ever.
    dueMs: delay > 0 ? Math.min(timestampMs, Date.now()) + Math.min(delay, maxDelayMs) : 0,
    ...(failure && { failure }),
  }
}

const noBytes = Buffer.alloc(0)

const unreadable = (cause: unknown): MqError =>
  new MqError('MQ_UNDECODABLE', `The record cannot be read: ${(cause as Error).message}`, { cause })

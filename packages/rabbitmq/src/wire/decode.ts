import { createHash } from 'node:crypto'
import {
  decodeFailure,
  emptyHeaders,
  type Failure,
  isMqError,
  MqError,
  messageFromAttributes,
  type RawMessage,
} from '@mq/core/adapter'
import type { Message, MessageProperties } from 'amqplib'
import { without } from './fingerprint.js'
import { attributeOf, brokerHeader, isOwn, own, type Table, textValue, unreadableHeadersOf } from './headers.js'
import { jsonOf } from './json.js'

export interface Decoded {
  readonly message: RawMessage
  /** The attempt that a copy carries, plus the number of times that the broker has redelivered it. */
  readonly attempt: number
  /** How often the broker has delivered it before. */
  readonly deliveryCount: number
  readonly failure?: Failure
  readonly decodeError?: MqError
}

/**
 * Reads a message. If it cannot be read, `decodeError` says why and nothing is thrown. With `countRedeliveries` each redelivery counts as
 * an attempt; that is wrong for messages that waited in a process without being run.
 */
export function decode(
  delivered: Message,
  topic: string,
  { countRedeliveries } = { countRedeliveries: true },
): Decoded {
  const { content, properties } = delivered
  const table: Table = properties.headers ?? {}
  const { contentType, messageId, timestamp } = properties
  const defaults = {
    id: isId(messageId) ? messageId : hashedId(properties, content),
    topic,
    timeMs: typeof timestamp === 'number' && timestamp <= maxTimestamp ? timestamp * 1_000 : Date.now(),
  }
  const failure = decodeFailure(textValue(table[own.failure]))
  const deliveryCount = atLeast(0, table['x-delivery-count'])
  const attempt = atLeast(1, table[own.attempt]) + (countRedeliveries ? deliveryCount : 0)
  const history = { attempt, deliveryCount, ...(failure && { failure }) }
  try {
    if (unreadableHeadersOf(delivered) !== undefined) {
      throw new MqError('MQ_UNDECODABLE', 'The headers of the message cannot be decoded: they are kept as bytes')
    }
    const { attributes, headers } = partsOf(table)
    if (typeof contentType === 'string') attributes.datacontenttype = contentType
    return { message: messageFromAttributes(attributes, { headers, body: content }, defaults), ...history }
  } catch (cause) {
    const message = messageFromAttributes({}, { headers: emptyHeaders, body: content }, defaults)
    const decodeError = isMqError(cause)
      ? cause
      : new MqError('MQ_UNDECODABLE', 'The headers of the message cannot be read', { cause })
    return { message, ...history, decodeError }
  }
}

function partsOf(table: Table): Record<'attributes' | 'headers', Record<string, string>> {
  const attributes: Record<string, string> = Object.create(null)
  const headers: Record<string, string> = Object.create(null)
  for (const name of Object.keys(table)) {
    const attribute = attributeOf(name)
    const value = attribute === 'time' ? timeText(table[name]) : textValue(table[name])
    if (value === undefined) continue
    if (attribute !== undefined) attributes[attribute] = value
    else if (!isOwn(name) && !brokerHeader.test(name)) headers[name] = value
  }
  if (Buffer.byteLength(attributes.id ?? '') > maxIdBytes) delete attributes.id
  attributes.time ??= textValue(table[own.time]) ?? ''
  return { attributes, headers }
}

/** Makes an id that is the same in each group and on each delivery. Identical messages have the same id. */
function hashedId({ headers = {}, timestamp, type, appId }: MessageProperties, body: Buffer): string {
  return createHash('sha256')
    .update(jsonOf([timestamp, type, appId, without(brokerHeader, headers)]))
    .update(body)
    .digest('hex')
    .slice(0, 32)
}

/** The longest short string of AMQP. */
const maxIdBytes = 255
/** Says whether a property is an id. The driver replaces bytes that are no UTF-8, which makes a text longer. */
const isId = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= maxIdBytes

/** The end of the year 9999, in seconds. */
export const maxTimestamp = 253_402_300_799

/**
 * Reads the time attribute, which the AMQP binding allows as a native type, too. AMQP 0-9-1 has a type for seconds; the milliseconds
 * of AMQP 1.0 arrive as a number.
 */
function timeText(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return isoTime(Number(value))
  const { '!': type, value: seconds } = (value ?? {}) as { readonly '!'?: unknown; readonly value?: unknown }
  if (type !== 'timestamp') return textValue(value)
  return typeof seconds === 'number' || typeof seconds === 'bigint' ? isoTime(Number(seconds) * 1_000) : undefined
}

const isoTime = (ms: number): string | undefined =>
  Math.abs(ms) <= maxTimestamp * 1_000 ? new Date(ms).toISOString() : undefined

const atLeast = (min: number, value: unknown): number =>
  typeof value === 'number' && Number.isInteger(value) && value >= min ? value : min

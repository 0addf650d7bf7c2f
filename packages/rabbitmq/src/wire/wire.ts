import { createHash } from 'node:crypto'
import {
  attributesOf,
  decodeFailure,
  emptyHeaders,
  encodeFailure,
  type Failure,
  isMqError,
  MqError,
  messageFromAttributes,
  type RawMessage,
} from '@mq/core/adapter'
import type { Message, MessageProperties, Options } from 'amqplib'

/** Beside the CloudEvents attributes. A retry or a dead letter is a copy, and these tell it from what was published. */
const own = { attempt: 'mq-attempt', failure: 'mq-failure', entry: 'mq-entry', time: 'mq-time' } as const

/** As the AMQP binding of CloudEvents writes attributes; it lets readers accept the second form too. */
const attributePrefix = 'cloudEvents:'
const attributePattern = /^cloudEvents[:_](.+)$/

/** What the broker writes about its own deliveries and dead letters. */
const brokerHeader = /^x-(?:death|first-death-.*|last-death-.*|delivery-count|acquired-count)$/

type Table = Record<string, unknown>

export function encode(message: RawMessage): { readonly content: Buffer; readonly properties: Options.Publish } {
  const { body, headers, id, contentType } = message
  const table: Table = Object.create(null)
  const attributes = attributesOf(message)
  for (const name in attributes) {
    // It has a property of its own.
    if (name !== 'datacontenttype') table[attributePrefix + name] = attributes[name]
  }
  for (const name in headers) table[name] = headers[name]
  const timeMs = Date.parse(message.time)
  return {
    content: Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    properties: {
      headers: table,
      messageId: id,
      persistent: true,
      mandatory: true,
      ...(contentType !== undefined && { contentType }),
      ...(timeMs >= 0 && { timestamp: Math.floor(timeMs / 1_000) }),
    },
  }
}

export interface Decoded {
  readonly message: RawMessage
  readonly attempt: number
  readonly failure?: Failure
  readonly decodeError?: MqError
}

/**
 * Never throws: what cannot be read is told in `decodeError`. With `countReturns` a delivery that came back counts as an
 * attempt; that is wrong for messages that waited in a process without being run.
 */
export function decode(
  { content, properties }: Message,
  topic: string,
  { countReturns } = { countReturns: true },
): Decoded {
  const table: Table = properties.headers ?? {}
  const { contentType, messageId, timestamp } = properties
  const defaults = {
    id: typeof messageId === 'string' && messageId !== '' ? messageId : madeUpId(properties, content),
    topic,
    timeMs: typeof timestamp === 'number' && timestamp <= maxTimestamp ? timestamp * 1_000 : Date.now(),
  }
  const failure = decodeFailure(textValue(table[own.failure]))
  const history = { attempt: attemptOf(table, countReturns), ...(failure && { failure }) }
  try {
    const { attributes, headers } = partsOf(table)
    if (typeof contentType === 'string') attributes.datacontenttype = contentType
    return { message: messageFromAttributes(attributes, { headers, body: content }, defaults), ...history }
  } catch (cause) {
    const message = messageFromAttributes({}, { headers: emptyHeaders, body: content }, defaults)
    const decodeError = isMqError(cause)
      ? cause
      : new MqError('MQ_UNDECODABLE', 'Its headers cannot be read', { cause })
    return { message, ...history, decodeError }
  }
}

function partsOf(table: Table): Record<'attributes' | 'headers', Record<string, string>> {
  const attributes: Record<string, string> = Object.create(null)
  const headers: Record<string, string> = Object.create(null)
  for (const name of Object.keys(table)) {
    const attribute = name.startsWith('cloudEvents') ? attributePattern.exec(name)?.[1] : undefined
    const value = attribute === 'time' ? timeText(table[name]) : textValue(table[name])
    if (value === undefined) continue
    if (attribute !== undefined) attributes[attribute] = value
    else if (!name.startsWith('mq-') && !brokerHeader.test(name)) headers[name] = value
  }
  if (Buffer.byteLength(attributes.id ?? '') > maxIdBytes) delete attributes.id
  attributes.time ??= textValue(table[own.time]) ?? ''
  return { attributes, headers }
}

/** The same in each group and on each delivery; a message that is identical to the last bit has the same. */
function madeUpId({ headers = {}, timestamp, type, appId }: MessageProperties, body: Buffer): string {
  const written = Object.entries(headers).filter(([name]) => !brokerHeader.test(name))
  return createHash('sha256')
    .update(jsonOf([timestamp, type, appId, written]))
    .update(body)
    .digest('hex')
    .slice(0, 32)
}

/** Tables in tables, and so on: what lies deeper counts for no id, as somebody may send more than the stack can hold. */
const maxDepth = 100

/** Of what the driver decodes: it may hold integers that JSON does not know. */
export function jsonOf(value: unknown): string {
  const depths = new Map<unknown, number>()
  return JSON.stringify(value, function (this: unknown, _, part: unknown) {
    if (typeof part === 'bigint') return String(part)
    if (typeof part !== 'object' || part === null) return part
    const depth = (depths.get(this) ?? 0) + 1
    if (depth > maxDepth) return null
    depths.set(part, depth)
    return part
  })
}

/** As AMQP's short strings. */
const maxIdBytes = 255
/** The year 9999, in seconds. */
const maxTimestamp = 253_402_300_799

/** Other programs write other types; what is no text, number or boolean has no place among our headers. */
function textValue(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  return undefined
}

/**
 * The AMQP binding lets a time be native as well. AMQP 0-9-1 knows seconds, as a type of their own; the milliseconds of AMQP 1.0
 * arrive as a number.
 */
function timeText(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return isoTime(Number(value))
  const { '!': type, value: seconds } = (value ?? {}) as { readonly '!'?: unknown; readonly value?: unknown }
  if (type !== 'timestamp') return textValue(value)
  return typeof seconds === 'number' || typeof seconds === 'bigint' ? isoTime(Number(seconds) * 1_000) : undefined
}

const isoTime = (ms: number): string | undefined =>
  Math.abs(ms) <= maxTimestamp * 1_000 ? new Date(ms).toISOString() : undefined

/** What the copy says, and how often the broker has handed it out again since. */
function attemptOf(table: Table, countReturns: boolean): number {
  return positive(table[own.attempt], 1) + (countReturns ? positive(table['x-delivery-count'], 0) : 0)
}

const positive = (value: unknown, fallback: number): number =>
  typeof value === 'number' && Number.isInteger(value) && value >= fallback ? value : fallback

export interface CopyHistory {
  /** For what another program wrote without an id or a time of its own. */
  readonly message: RawMessage
  readonly attempt?: number
  readonly failure?: Failure
  /** Makes it a dead letter. */
  readonly entryId?: string
}

/** Everything that another program wrote stays as it was, but for what would make the broker act upon the copy. */
export function copyProperties({ properties }: Message, history: CopyHistory): Options.Publish {
  const {
    userId: _user,
    expiration: _expiration,
    deliveryMode: _mode,
    headers: given,
    clusterId: _,
    ...kept
  } = properties
  const headers: Table = Object.create(null)
  for (const name of Object.keys(given ?? {})) {
    // CC and BCC would send it to other queues again; at a repeated x-death brokers before 4.0 take it for a cycle.
    if (name === 'CC' || name === 'BCC' || name.startsWith('mq-') || brokerHeader.test(name)) continue
    headers[name] = given?.[name]
  }
  if (!('cloudEvents:time' in headers || 'cloudEvents_time' in headers)) headers[own.time] = history.message.time
  if (history.attempt !== undefined && history.attempt > 1) headers[own.attempt] = history.attempt
  if (history.failure !== undefined) headers[own.failure] = encodeFailure(history.failure)
  if (history.entryId !== undefined) headers[own.entry] = history.entryId
  return { ...kept, messageId: kept.messageId || history.message.id, headers, persistent: true, mandatory: true }
}

/** The entry that this adapter gave a dead letter; undefined for what the broker dead-lettered by itself. */
export const entryOf = ({ properties }: Message): string | undefined => textValue(properties.headers?.[own.entry])

import {
  attributesOf,
  decodeFailure,
  emptyHeaders,
  type Failure,
  type MessageHeaders,
  MqError,
  messageFromAttributes,
  type OutgoingMessage,
  type RawMessage,
} from '@mq/core/adapter'

/** The columns of a message as statements return them. The body is base64, because the driver reads texts only. */
export interface MessageRow {
  readonly message: string
  readonly key: string | null
  readonly head: string | null
  readonly body: string
  /** Milliseconds since 1970. */
  readonly stored_ms: number
}

/** The columns that `readMessage` reads, of a table called `m`. */
export const messageColumns =
  "m.key, m.head, encode(m.body, 'base64') AS body, (extract(epoch FROM m.stored_at) * 1000)::float8 AS stored_ms"

/** A message, or what can be said of one that cannot be read. */
export interface ReadMessage {
  readonly message: RawMessage
  readonly decodeError?: MqError
}

interface Head {
  readonly attributes: Record<string, string>
  readonly headers: Record<string, string>
}

/** Encodes everything but the body and the key: a JSON object of CloudEvents attributes, with the headers in `headers`. */
export function headOf(message: OutgoingMessage): string {
  const { partitionkey: _, ...attributes } = attributesOf(message)
  return JSON.stringify({ attributes, headers: message.headers })
}

/** A message as the functions for transactions read it, from JSON. */
export const encodedRow = (message: OutgoingMessage) => ({
  id: message.id,
  key: message.key ?? null,
  head: headOf(message),
  delay: message.delayMs ?? 0,
  body: Buffer.from(message.body.buffer, message.body.byteOffset, message.body.byteLength).toString('base64'),
})

/** Reads a row, whoever has written it. Never throws. */
export function readMessage(row: MessageRow, topic: string): ReadMessage {
  const body = bytesOf(row.body)
  const defaults = { id: `postgres-${row.message}`, topic, timeMs: row.stored_ms }
  try {
    const { attributes, headers } = decodeHead(row.head)
    if (row.key !== null) attributes.partitionkey = row.key
    return { message: messageFromAttributes(attributes, { headers: frozen(headers), body }, defaults) }
  } catch (cause) {
    const error =
      cause instanceof MqError
        ? cause
        : new MqError('MQ_UNDECODABLE', `The head of message ${row.message} is not what this library writes`, { cause })
    const plain = row.key === null ? {} : { partitionkey: row.key }
    return { message: messageFromAttributes(plain, { headers: emptyHeaders, body }, defaults), decodeError: error }
  }
}

/** Base64 of the server has line breaks, which Node skips. The bytes belong to the caller alone, also if Node took them from a pool. */
function bytesOf(text: string): Uint8Array {
  const buffer = Buffer.from(text, 'base64')
  return buffer.byteLength === buffer.buffer.byteLength ? new Uint8Array(buffer.buffer) : new Uint8Array(buffer)
}

/** A head has the form of ours, or is a flat object of attributes, as other programs write it. */
function decodeHead(text: string | null): Head {
  if (text === null) return { attributes: {}, headers: {} }
  const value: unknown = JSON.parse(text)
  const { attributes, headers } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Head>
  if (isRecord(attributes)) return { attributes: texts(attributes), headers: isRecord(headers) ? texts(headers) : {} }
  return { attributes: texts(value), headers: {} }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function texts(value: unknown): Record<string, string> {
  if (!isRecord(value)) throw new TypeError('It is not an object')
  const read: Record<string, string> = Object.create(null)
  for (const [name, content] of Object.entries(value)) if (typeof content === 'string') read[name] = content
  return read
}

const frozen = (headers: Record<string, string>): MessageHeaders =>
  Object.keys(headers).length === 0 ? emptyHeaders : Object.freeze(headers)

export const failureOf = (text: unknown): Failure | undefined =>
  typeof text === 'string' ? decodeFailure(text) : undefined

import type { Adapter } from '../contract/adapter.js'
import type { Clock } from '../contract/clock.js'
import { MqError } from '../contract/errors.js'
import type { EventDefinition } from '../contract/event.js'
import { emptyHeaders, headerBytes, type MessageHeaders, requireHeaders } from '../contract/headers.js'
import type { OutgoingMessage, RawMessage, Writable } from '../contract/message.js'
import type { PublishRequest } from '../contract/middleware.js'
import { requireShortText } from '../contract/names.js'
import { validate } from '../contract/schema.js'
import { requireExtensions, timeText } from '../wire/cloud-events.js'
import { type EncodedData, encodeData } from '../wire/codec.js'
import { requireReadable } from '../wire/readable.js'
import { withTombstone } from '../wire/tombstone.js'
import { requireDelay } from './request.js'

export interface EncodeSettings {
  readonly adapter: Adapter
  readonly clock: Clock
  readonly source: string
}

/** A message that passed every check and is ready to be sent. */
export interface Encoded {
  readonly message: OutgoingMessage
  readonly bytes: number
}

interface EncodedRequest extends Encoded {
  readonly content: EncodedData
}

type EncodeFunction = (settings: EncodeSettings, event: EventDefinition, request: PublishRequest) => EncodedRequest

/** Validates and encodes a request as `requestOf` made it. Returns a promise only if the schema is asynchronous. */
export const encodeRequest = afterValidation((settings, event, request) =>
  encode(settings, event, request, request.headers, request.extensions),
)

/** Validates and encodes a request that comes from middleware, which may have changed what `requestOf` had checked. */
export const encodeChanged = afterValidation((settings, event, request) => {
  const headers = request.headers === emptyHeaders ? emptyHeaders : requireHeaders(request.headers)
  const extensions = request.extensions === emptyHeaders ? emptyHeaders : requireExtensions(request.extensions)
  if (request.delayMs !== undefined) requireDelay(request.delayMs, 'delayMs', settings.adapter)
  return encode(settings, event, request, headers, extensions)
})

function afterValidation(encoded: EncodeFunction) {
  return (settings: EncodeSettings, event: EventDefinition, request: PublishRequest): Encoded | Promise<Encoded> => {
    if (event.schema === undefined || request.tombstone) return encoded(settings, event, request)
    const { schema } = event
    const readable = (): Encoded | Promise<Encoded> => {
      const made = encoded(settings, event, request)
      const reading = requireReadable(schema, made.content, event.name)
      return reading === undefined ? made : reading.then(() => made)
    }
    const validated = validate(schema, request.data, `'${event.name}'`)
    return validated instanceof Promise ? validated.then(readable) : readable()
  }
}

function encode(
  { adapter, clock, source }: EncodeSettings,
  event: EventDefinition,
  { id, key, delayMs, data, tombstone }: PublishRequest,
  headers: MessageHeaders,
  extensions: MessageHeaders,
): EncodedRequest {
  const content = tombstone ? requireNoData(data, event) : encodeData(data)
  const { body, contentType } = content
  const message: Writable<OutgoingMessage> = {
    id: requireShortText(id, 'id'),
    source,
    type: event.name,
    time: timeText(clock.now()),
    contentType,
    extensions: tombstone ? withTombstone(extensions) : extensions,
    headers,
    body,
  }
  if (tombstone) delete message.contentType
  if (key !== undefined || tombstone) message.key = requireShortText(key, 'key')
  if (delayMs !== undefined && delayMs > 0) message.delayMs = Math.ceil(delayMs)
  return { message, bytes: requireSize(adapter, event.name, message), content }
}

/** Throws `MQ_MESSAGE_TOO_LARGE` or `MQ_NOT_SUPPORTED` if the adapter cannot take a message that was encoded elsewhere. */
export function encodedOf(
  { adapter }: Pick<EncodeSettings, 'adapter'>,
  topic: string,
  message: OutgoingMessage,
): Encoded {
  if (message.delayMs !== undefined) requireDelay(message.delayMs, 'delayMs', adapter)
  return { message, bytes: requireSize(adapter, topic, message) }
}

function requireSize(adapter: Adapter, topic: string, message: RawMessage): number {
  const bytes = messageBytes(message, message.headers === emptyHeaders ? 0 : headerBytes(message.headers))
  const { maxMessageBytes } = adapter.capabilities
  if (bytes <= maxMessageBytes) return bytes
  const limit = `${adapter.name} takes at most ${maxMessageBytes}`
  throw new MqError('MQ_MESSAGE_TOO_LARGE', `The message for '${topic}' has ${bytes} bytes; ${limit}`)
}

const noContent: EncodedData = { body: new Uint8Array(), contentType: '', isChanged: false }

/** Middleware may have put data into a tombstone. */
function requireNoData(data: unknown, event: EventDefinition): EncodedData {
  if (data === null) return noContent
  throw new MqError('MQ_INVALID_DATA', `A tombstone of '${event.name}' has no data; middleware must not add any`)
}

/** Returns the bytes that count towards `capabilities.maxMessageBytes`: body, header names and values, key and id. */
function messageBytes(message: RawMessage, headerBytes: number): number {
  return message.body.byteLength + headerBytes + Buffer.byteLength(message.id) + Buffer.byteLength(message.key ?? '')
}

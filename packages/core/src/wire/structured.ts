import type { Delivery } from '../contract/adapter.js'
import { shown } from '../contract/checks/shown.js'
import { isMqError, MqError } from '../contract/errors.js'
import type { RawMessage } from '../contract/message.js'
import { messageFromAttributes, timeMs } from './cloud-events.js'
import { decodeData, isJsonType } from './codec.js'

const structuredPattern = /^\s*application\/cloudevents(-batch)?\+json\s*(?:;|$)/i

/** Returns whether a body holds a CloudEvent in structured mode, or a batch of them, with its attributes inside. */
const isStructured = (contentType: string | undefined): contentType is string =>
  contentType !== undefined && contentType !== 'application/json' && structuredPattern.test(contentType)

/**
 * Reads a CloudEvent in structured mode like one in binary mode: the attributes come out of the body. Any other message is returned as
 * it is. Throws `MQ_UNDECODABLE` for a batch and for an event that breaks the specification.
 */
export function fromStructured(message: RawMessage): RawMessage {
  const { contentType } = message
  if (!isStructured(contentType)) return message
  if (structuredPattern.exec(contentType)?.[1] !== undefined) {
    throw undecodable(
      'The body is a batch of CloudEvents (application/cloudevents-batch+json); only single ones are read',
    )
  }
  const event = decodeData(message.body, contentType.trim())
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw undecodable(`A CloudEvent in structured mode is a JSON object, not ${shown(event)}`)
  }
  const { data, data_base64: base64, ...envelope } = event as Readonly<Record<string, unknown>>
  const attributes = attributesIn(envelope)
  const { body, type } = contentOf({ data, base64, type: attributes.datacontenttype })
  const beside = message.key === undefined ? message.extensions : { ...message.extensions, partitionkey: message.key }
  return messageFromAttributes(
    { ...beside, ...attributes, datacontenttype: type },
    { headers: message.headers, body },
    { id: message.id, topic: message.type, timeMs: timeMs(message.time) },
  )
}

/** Replaces the message of a delivery by what a CloudEvent in structured mode holds, or adds why it cannot be read. */
export function unwrapped(delivery: Delivery): Delivery {
  if (!isStructured(delivery.message.contentType) || delivery.decodeError !== undefined) return delivery
  const { attempt, failure } = delivery
  const parts = {
    attempt,
    ...(failure && { failure }),
    get signal() {
      return delivery.signal
    },
    get aborted() {
      return delivery.aborted ?? delivery.signal.aborted
    },
  }
  try {
    return Object.assign(parts, { message: fromStructured(delivery.message) })
  } catch (error) {
    const decodeError = isMqError(error) ? error : undecodable('The CloudEvent cannot be read', error)
    return Object.assign(parts, { message: delivery.message, decodeError })
  }
}

/** Returns the message of a dead letter as its handler got it, and as it is if it cannot be read. */
export function unwrappedOrSame(message: RawMessage): RawMessage {
  try {
    return fromStructured(message)
  } catch {
    return message
  }
}

const undecodable = (text: string, cause?: unknown): MqError =>
  new MqError('MQ_UNDECODABLE', text, cause === undefined ? {} : { cause })

const required = ['specversion', 'id', 'source', 'type'] as const
const optionalTexts: readonly string[] = ['time', 'datacontenttype', 'dataschema', 'subject', 'partitionkey']

/** Returns the attributes as text. Null counts as absent, and other types than those of CloudEvents are refused. */
function attributesIn(envelope: Readonly<Record<string, unknown>>): Record<string, string> {
  const attributes: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(envelope)) {
    if (value === null) continue
    if (typeof value === 'object' || (typeof value !== 'string' && isText(name))) {
      throw undecodable(`The attribute ${shown(name)} of the CloudEvent cannot be ${shown(value)}`)
    }
    attributes[name] = String(value)
  }
  for (const name of required) {
    if (!attributes[name]) throw undecodable(`The CloudEvent has no attribute '${name}'`)
  }
  return attributes
}

const isText = (name: string): boolean => required.includes(name as never) || optionalTexts.includes(name)

interface Content {
  readonly data: unknown
  readonly base64: unknown
  readonly type: string | undefined
}

/** Returns the body that the event would have in binary mode, and its content type. */
function contentOf({ data, base64, type }: Content): { readonly body: Uint8Array; readonly type: string | undefined } {
  if (base64 !== undefined && base64 !== null) {
    if (data !== undefined) throw undecodable('The CloudEvent has both data and data_base64')
    return { body: bytesOf(base64), type: type ?? 'application/octet-stream' }
  }
  if (data === undefined) return { body: new Uint8Array(), type }
  const isJson = type === undefined || isJsonType(type)
  if (!isJson && typeof data === 'string') return { body: Buffer.from(data), type }
  // An event within an event is data. Under its own content type it would be unwrapped by the next reader.
  return { body: Buffer.from(JSON.stringify(data)), type: isStructured(type) ? 'application/json' : type }
}

const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

function bytesOf(base64: unknown): Uint8Array {
  if (typeof base64 === 'string' && base64.length % 4 === 0 && isBase64(base64)) return Buffer.from(base64, 'base64')
  throw undecodable(`data_base64 of the CloudEvent is not base64: ${shown(base64)}`)
}

/** Tests a long text in pieces, because a repeated group needs stack. */
function isBase64(text: string): boolean {
  const piece = 4_096
  for (let from = 0; from < text.length; from += piece) {
    if (!base64Pattern.test(text.slice(from, from + piece))) return false
    if (from + piece < text.length && text[from + piece - 1] === '=') return false
  }
  return true
}

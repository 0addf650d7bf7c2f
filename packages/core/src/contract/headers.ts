import { requireOptions } from './checks/options.js'
import { shown } from './checks/shown.js'
import { MqError } from './errors.js'
import { hasControlCharacters, isWellFormed } from './names.js'

/** The application's own headers. Names and values are as they were written; the object has no prototype. */
export type MessageHeaders = Readonly<Record<string, string>>

/** The limit for the headers of one message, in UTF-8, names and values together. */
export const maxHeaderBytes = 32 * 1024
const maxHeaderCount = 64

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$/
/** Names that a broker or this library acts on: RabbitMQ routes by `CC`, drivers and brokers use `x-`. */
const reservedPattern = /^(?:cc|bcc|x-.*|mq-.*|ce[-_].*|cloudevents.*|content-type|content-encoding|constructor)$/i

export const emptyHeaders: MessageHeaders = Object.freeze(Object.create(null))

/**
 * Returns a frozen copy without a prototype.
 *
 * Throws a `TypeError` if the value is not an object of strings. Throws `MQ_INVALID_HEADER` for a malformed or reserved name, and for
 * a control character, CR and LF among them. Throws it too for more than 64 headers or more than 32 KiB.
 */
export function requireHeaders(value: unknown): MessageHeaders {
  if (value === undefined) return emptyHeaders
  requireOptions(value, 'headers')
  // A Map or the Headers of fetch have no properties of their own, so all headers would be lost silently.
  if (Symbol.iterator in (value as object)) throw new TypeError(`headers must be a plain object, not ${shown(value)}`)
  const headers: Record<string, string> = Object.create(null)
  const entries = Object.entries(value as Record<string, unknown>)
  if (entries.length > maxHeaderCount) {
    throw new MqError('MQ_INVALID_HEADER', `${entries.length} headers; at most ${maxHeaderCount} are allowed`)
  }
  for (const [name, content] of entries) headers[requireHeaderName(name)] = requireHeaderValue(name, content)
  const bytes = headerBytes(headers)
  if (bytes > maxHeaderBytes) {
    throw new MqError('MQ_INVALID_HEADER', `The headers take ${bytes} bytes; at most ${maxHeaderBytes} are allowed`)
  }
  return Object.freeze(headers)
}

function requireHeaderName(name: string): string {
  if (!namePattern.test(name)) {
    const rule = "use letters, digits, '.', '_' and '-', beginning with a letter or digit"
    throw new MqError('MQ_INVALID_HEADER', `${shown(name)} cannot be the name of a header: ${rule}`)
  }
  if (reservedPattern.test(name)) {
    throw new MqError('MQ_INVALID_HEADER', `The header name ${shown(name)} is reserved for brokers and this library`)
  }
  return name
}

function requireHeaderValue(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`The header ${shown(name)} must be a string, not ${shown(value)}`)
  if (hasControlCharacters(value)) {
    throw new MqError('MQ_INVALID_HEADER', `The header ${shown(name)} contains a control character`)
  }
  if (!isWellFormed(value)) {
    throw new MqError('MQ_INVALID_HEADER', `The header ${shown(name)} contains half of a surrogate pair`)
  }
  return value
}

/** Returns the bytes of all names and values in UTF-8. */
export function headerBytes(headers: MessageHeaders): number {
  let bytes = 0
  for (const name in headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name] as string)
  return bytes
}

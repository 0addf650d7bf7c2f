import { requireOptions, shown } from './checks.js'
import { MqError } from './errors.js'

/** The application's own headers: names as written, values as written, no prototype. */
export type MessageHeaders = Readonly<Record<string, string>>

/** In UTF-8, names and values together. */
export const maxHeaderBytes = 32 * 1024
const maxHeaderCount = 64

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$/
/** Names by which a broker or this library would act: RabbitMQ routes by `CC`, drivers and brokers use `x-`. */
const reservedPattern = /^(?:cc|bcc|x-.*|mq-.*|ce[-_].*|cloudevents.*|content-type|content-encoding|constructor)$/i
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const controlPattern = /[\u0000-\u0008\u000a-\u001f\u007f]/
const loneSurrogatePattern = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

/** No half of a surrogate pair: such a text cannot be written as UTF-8 and read back. */
export const isWellFormed = (text: string): boolean => !loneSurrogatePattern.test(text)

/** True if a control character other than the tab occurs. */
export const hasControlCharacters = (text: string): boolean => controlPattern.test(text)

export const emptyHeaders: MessageHeaders = Object.freeze(Object.create(null))

/**
 * A frozen copy without a prototype.
 *
 * Throws a `TypeError` for what is no object or holds a value that is no string, and `MQ_INVALID_HEADER` for a malformed or
 * reserved name, a control character (CR and LF among them), more than 64 headers or more than 32 KiB.
 */
export function requireHeaders(value: unknown): MessageHeaders {
  if (value === undefined) return emptyHeaders
  requireOptions(value, 'headers')
  // A Map or the Headers of fetch have no properties of their own: all would be lost without a word.
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

/** Names and values in UTF-8. */
export function headerBytes(headers: MessageHeaders): number {
  let bytes = 0
  for (const name in headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name] as string)
  return bytes
}

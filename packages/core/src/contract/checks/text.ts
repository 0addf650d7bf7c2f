import { MqError } from '../errors.js'
import { shown } from './shown.js'

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const controlPattern = /[\u0000-\u0008\u000a-\u001f\u007f]/
const loneSurrogatePattern = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

/** Returns false for a text with half of a surrogate pair: it cannot be written as UTF-8 and read back. */
export const isWellFormed = (text: string): boolean => !loneSurrogatePattern.test(text)

/** Returns true if a control character other than the tab occurs. */
export const hasControlCharacters = (text: string): boolean => controlPattern.test(text)

/** AMQP writes ids and keys as short strings. */
const maxIdBytes = 255

/** Returns whether a text can be an id or a key. */
export const isShortText = (text: string): boolean =>
  text !== '' && Buffer.byteLength(text) <= maxIdBytes && !hasControlCharacters(text) && isWellFormed(text)

/** Checks an id or a key. Throws a `TypeError` if it is not a string, and `MQ_INVALID_OPTION` if it does not fit. */
export function requireShortText(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${shown(value)}`)
  if (!isShortText(value)) {
    const rule = `must have 1 to ${maxIdBytes} bytes and no control characters`
    throw new MqError('MQ_INVALID_OPTION', `${name} ${rule}, not ${shown(value)}`)
  }
  return value
}

/**
 * Checks a CloudEvents `source`. RFC 3986 excludes spaces and control characters, and CloudEvents asks for nothing more.
 * Throws a `TypeError` if it is not a string, and `MQ_INVALID_OPTION` if it is not a URI reference.
 */
export function requireSource(source: unknown): string {
  if (typeof source !== 'string') throw new TypeError(`source must be a string, not ${shown(source)}`)
  if (!/^[\x21-\x7e]{1,255}$/.test(source)) {
    throw new MqError('MQ_INVALID_OPTION', `source must be a URI reference in ASCII, not ${shown(source)}`)
  }
  return source
}

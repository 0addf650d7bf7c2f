import { escapeControls } from '../contract/checks/escaped.js'
import { shown } from '../contract/checks/shown.js'
import { MqError } from '../contract/errors.js'
import type { Decoding } from '../contract/foreign.js'
import type { RawMessage } from '../contract/message.js'
import { isDeeperThan } from './json-depth.js'
import { isTombstone } from './tombstone.js'

/** How deep data may be nested. Printing and cloning run out of stack long before parsing does. */
const maxDepth = 64

export interface EncodedData {
  readonly body: Uint8Array
  readonly contentType: string
  /** Whether a reader gets other values than those that were published, such as texts for dates. */
  readonly isChanged: boolean
}

/**
 * Encodes published data: a `Uint8Array` as it is, everything else as JSON.
 *
 * Throws `MQ_NOT_SERIALIZABLE`, and names the place, for a value that JSON would lose or refuse:
 * - a cycle, or nesting beyond 64 levels
 * - a BigInt, a function, a symbol, NaN or an infinity
 * - an invalid date, a Map, a Set, a promise, an error, or bytes inside an object
 * - a stream, a generator, and any other object that hides what it holds, such as `Headers`, `FormData` and `Blob`
 * - `undefined` as the whole data or in an array
 *
 * Properties that are `undefined` are left out, as JSON does.
 */
export function encodeData(data: unknown): EncodedData {
  // A copy: the caller may reuse its buffer before the message has left.
  if (data instanceof Uint8Array) {
    return { body: copyOf(data), contentType: 'application/octet-stream', isChanged: true }
  }
  const { text, isChanged } = jsonOf(data)
  return { body: Buffer.from(text), contentType: 'application/json', isChanged }
}

/** Copies bytes, short ones into Node's pool: an ArrayBuffer for each message would cost more than the rest. */
export const copyOf = (bytes: Uint8Array): Uint8Array => Buffer.from(bytes)

/** Thrown by the first walk. It keeps no path, because building one would cost more than the walk itself. */
const unserializable = Symbol('unserializable')

function jsonOf(data: unknown): { readonly text: string; readonly isChanged: boolean } {
  try {
    const isChanged = check(data, undefined, 0)
    return { text: JSON.stringify(data), isChanged }
  } catch (error) {
    if (error === unserializable) check(data, 'data', 0)
    throw new MqError('MQ_NOT_SERIALIZABLE', 'data has a property that throws when it is read', { cause: error })
  }
}

function refuse(path: string | undefined, why: string, cause?: unknown): never {
  if (path === undefined) throw unserializable
  throw new MqError('MQ_NOT_SERIALIZABLE', `${path} ${why}`, cause === undefined ? {} : { cause })
}

/** Throws for a value that JSON would lose. Returns whether JSON turns it into another one. */
function check(value: unknown, path: string | undefined, depth: number): boolean {
  if (typeof value === 'object' && value !== null) return checkObject(value, path, depth)
  const why = reasonNotSerializable(value)
  if (why !== undefined) refuse(path, why)
  return false
}

/** Says why JSON would lose a value that is not an object. Returns undefined if it would not. */
function reasonNotSerializable(value: unknown): string | undefined {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? undefined : `is ${value}, which JSON cannot hold; send null or a string`
    case 'bigint':
      return 'is a BigInt, which JSON cannot hold; send it as a string'
    case 'undefined':
      return 'is undefined, which JSON cannot hold; send null'
    case 'function':
    case 'symbol':
      return `is a ${typeof value}, which cannot be sent`
    default:
      return undefined
  }
}

function checkObject(value: object, path: string | undefined, depth: number, isReplacement = false): boolean {
  if (depth >= maxDepth) refuse(path, `is nested deeper than ${maxDepth} levels, or contains itself`)
  // Checked before toJSON, because that of a Buffer makes a list of numbers, four times as long.
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    refuse(path, 'holds bytes; publish a Uint8Array as the whole data, or send them as base64 text')
  }
  if (!isReplacement && typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    const replacement = replaced(value as { toJSON: () => unknown }, path)
    if (replacement === null && isInvalidDate(value))
      refuse(path, 'is an invalid date, which JSON would turn into null')
    // JSON calls toJSON only once, not on the value that it returned.
    if (typeof replacement === 'object' && replacement !== null) checkObject(replacement, path, depth, true)
    else check(replacement, path, depth)
    return true
  }
  let isChanged = false
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      if (check(value[index], path === undefined ? path : `${path}[${index}]`, depth + 1)) isChanged = true
    }
    return isChanged
  }
  const why = reasonClassNotSerializable(value)
  if (why !== undefined) refuse(path, why)
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key]
    if (item === undefined || check(item, path === undefined ? path : `${path}.${key}`, depth + 1)) isChanged = true
  }
  return isChanged || !isPlain(value)
}

/** Returns false for an object of a class, which a reader gets without its class. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Says why JSON would lose an object of this class. Returns undefined if it would not. */
function reasonClassNotSerializable(value: object): string | undefined {
  if (value instanceof Map || value instanceof Set) return 'is a Map or Set; send an object or an array'
  if (value instanceof Promise) return 'is a promise; await it first'
  if (value instanceof Error) return 'is an error, whose message JSON would lose; send its parts'
  if (value instanceof RegExp) return 'is a regular expression; send its source'
  if (isBoxed(value)) return reasonNotSerializable(value.valueOf())
  return hidesItsContent(value)
    ? `is a ${tagOf(value)}, whose content JSON would lose; send an object or an array`
    : undefined
}

/** Returns true for an object that gives its content by iterating or as a stream, and for one of the platform without properties. */
function hidesItsContent(value: object): boolean {
  if (Symbol.iterator in value || Symbol.asyncIterator in value) return !(value instanceof String)
  if (isPlain(value)) return false
  if (typeof (value as { pipe?: unknown }).pipe === 'function') return true
  return Symbol.toStringTag in value && Object.keys(value).length === 0
}

/** Returns the name of an object's class, for an error. */
function tagOf(value: object): string {
  const tag = Object.prototype.toString.call(value).slice(8, -1)
  const name: unknown = value.constructor?.name
  return tag === 'Object' && typeof name === 'string' && name !== '' && name !== 'Object'
    ? name
    : tag.replace('Object', 'list')
}

/** Knows dates of this and other realms, and those of the common libraries: all of them turn into null. */
function isInvalidDate(value: object): boolean {
  if (Object.prototype.toString.call(value) === '[object Date]') return true
  const { isValid } = value as { isValid?: unknown }
  return isValid === false || (typeof isValid === 'function' && isValid.call(value) === false)
}

const isBoxed = (value: object): boolean =>
  value instanceof Number || value instanceof BigInt || value instanceof Symbol

function replaced(value: { toJSON: () => unknown }, path: string | undefined): unknown {
  try {
    return value.toJSON()
  } catch (cause) {
    return refuse(path, 'has a toJSON that throws', cause)
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const jsonPattern = /^application\/(?:[\w.!#$&^-]+\+)?json\s*(?:;|$)/i
/** Returns whether a content type says that the body is JSON. */
export const isJsonType = (contentType: string): boolean => contentType === '' || jsonPattern.test(contentType)

const textPattern = /^text\//i
const charsetPattern = /;\s*charset\s*=\s*"?([\w-]+)/i

/**
 * Decodes the body of a message. The data is parsed as JSON for `application/json`, `+json` and a missing content type. It is a string
 * for `text/*`, and a copy of the bytes for every other content type.
 *
 * `decode` overrides the content type.
 *
 * Throws `MQ_UNDECODABLE` for invalid UTF-8, another character set, invalid JSON and nesting beyond 64 levels.
 */
export function decodeData(body: Uint8Array, contentType: string | undefined, decode?: Decoding): unknown {
  if (decode !== undefined) return decodeAs(body, decode)
  if (contentType === 'application/json') return parseJson(decodeText(body))
  const isJson = contentType === undefined || isJsonType(contentType)
  // Not from a pool: handlers may read numbers out of `data.buffer`.
  if (!isJson && !textPattern.test(contentType)) return new Uint8Array(body)
  const charset = charsetPattern.exec(contentType ?? '')?.[1]
  if (charset !== undefined && !/^(?:utf-?8|us-ascii)$/i.test(charset)) {
    throw new MqError('MQ_UNDECODABLE', `The body is in the character set ${shown(charset)}; only UTF-8 is read`)
  }
  const text = decodeText(body)
  return isJson ? parseJson(text) : text
}

function decodeAs(body: Uint8Array, decode: Decoding): unknown {
  if (decode === 'bytes') return new Uint8Array(body)
  const text = decodeText(body)
  return decode === 'json' ? parseJson(text) : text
}

/** Decodes the body of a message, and null for a tombstone. Returns undefined if that fails, for places that only show it. */
export function decodedOrUndefined(
  message: Pick<RawMessage, 'body' | 'contentType'> & Partial<Pick<RawMessage, 'extensions'>>,
  decode?: Decoding,
): unknown {
  try {
    return isTombstone(message) ? null : decodeData(message.body, message.contentType, decode)
  } catch {
    return undefined
  }
}

function decodeText(body: Uint8Array): string {
  try {
    return utf8.decode(body)
  } catch (cause) {
    throw new MqError('MQ_UNDECODABLE', 'The body is not valid UTF-8', { cause })
  }
}

function parseJson(text: string): unknown {
  if (text.length > 2 * maxDepth && isDeeperThan(text, maxDepth)) {
    throw new MqError('MQ_UNDECODABLE', `The body is nested deeper than ${maxDepth} levels`)
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    const why = text === '' ? 'it is empty' : escapeControls((cause as Error).message.slice(0, 100))
    throw new MqError('MQ_UNDECODABLE', `The body is not valid JSON: ${why}`)
  }
}

import { shown } from '../contract/checks.js'
import { MqError } from '../contract/errors.js'

/** How deep data may be nested: beyond it, printing and cloning run out of stack long before parsing does. */
const maxDepth = 64

export interface EncodedData {
  readonly body: Uint8Array
  readonly contentType: string
}

/**
 * The bytes of what is published: a `Uint8Array` as it is, everything else as JSON.
 *
 * Throws `MQ_NOT_SERIALIZABLE` and names the place for what JSON would lose or refuse: a cycle, a BigInt, a function, a
 * symbol, NaN and the infinities, a Map, a Set, a promise, an error, bytes inside an object, nesting beyond 64, `undefined`
 * as the whole or in an array. Properties that are `undefined` are left out, as JSON does.
 */
export function encodeData(data: unknown): EncodedData {
  // A copy: the caller may reuse its buffer before the message has left.
  if (data instanceof Uint8Array) return { body: copyOf(data), contentType: 'application/octet-stream' }
  return { body: Buffer.from(jsonOf(data)), contentType: 'application/json' }
}

/** From Node's pool where it is short: an ArrayBuffer of its own for each message is what costs most. */
export const copyOf = (bytes: Uint8Array): Uint8Array => Buffer.from(bytes)

/** Thrown by the first walk, which keeps no path: building one would cost more than the walk. */
const unserializable = Symbol('unserializable')

function jsonOf(data: unknown): string {
  try {
    check(data, undefined, 0)
    return JSON.stringify(data)
  } catch (error) {
    if (error === unserializable) check(data, 'data', 0)
    throw new MqError('MQ_NOT_SERIALIZABLE', 'data has a property that throws when it is read', { cause: error })
  }
}

function refuse(path: string | undefined, why: string, cause?: unknown): never {
  if (path === undefined) throw unserializable
  throw new MqError('MQ_NOT_SERIALIZABLE', `${path} ${why}`, cause === undefined ? {} : { cause })
}

function check(value: unknown, path: string | undefined, depth: number): void {
  if (typeof value === 'object' && value !== null) {
    checkObject(value, path, depth)
    return
  }
  const why = objection(value)
  if (why !== undefined) refuse(path, why)
}

/** What speaks against sending a value that is no object. */
function objection(value: unknown): string | undefined {
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

function checkObject(value: object, path: string | undefined, depth: number, isReplacement = false): void {
  if (depth >= maxDepth) refuse(path, `is nested deeper than ${maxDepth} levels, or contains itself`)
  // Before toJSON: that of a Buffer makes a list of numbers, four times as long.
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    refuse(path, 'holds bytes; publish a Uint8Array as the whole data, or send them as base64 text')
  }
  if (!isReplacement && typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    const replacement = replaced(value as { toJSON: () => unknown }, path)
    // JSON asks only once: a toJSON of what it got is not called.
    if (typeof replacement === 'object' && replacement !== null) checkObject(replacement, path, depth, true)
    else check(replacement, path, depth)
    return
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      check(value[index], path === undefined ? path : `${path}[${index}]`, depth + 1)
    }
    return
  }
  const why = objectionToClass(value)
  if (why !== undefined) refuse(path, why)
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key]
    if (item !== undefined) check(item, path === undefined ? path : `${path}.${key}`, depth + 1)
  }
}

/** What speaks against objects of which JSON would keep nothing, or nothing of worth. */
function objectionToClass(value: object): string | undefined {
  if (value instanceof Map || value instanceof Set) return 'is a Map or Set; send an object or an array'
  if (value instanceof Promise) return 'is a promise; await it first'
  if (value instanceof Error) return 'is an error, whose message JSON would lose; send its parts'
  if (value instanceof RegExp) return 'is a regular expression; send its source'
  return isBoxed(value) ? objection(value.valueOf()) : undefined
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
const textPattern = /^text\//i
const charsetPattern = /;\s*charset\s*=\s*"?([\w-]+)/i

/**
 * What was published: JSON for `application/json`, `+json` and a missing content type, a string for `text/*`, and the bytes,
 * in a copy of their own, for every other content type.
 *
 * Throws `MQ_UNDECODABLE` for invalid UTF-8, another character set, invalid JSON and nesting beyond 64.
 */
export function decodeData(body: Uint8Array, contentType: string | undefined): unknown {
  if (contentType === 'application/json') return parseJson(decodeText(body))
  const isJson = contentType === undefined || contentType === '' || jsonPattern.test(contentType)
  // Not from a pool: handlers read numbers out of `data.buffer`, as if it were theirs.
  if (!isJson && !textPattern.test(contentType)) return new Uint8Array(body)
  const charset = charsetPattern.exec(contentType ?? '')?.[1]
  if (charset !== undefined && !/^(?:utf-?8|us-ascii)$/i.test(charset)) {
    throw new MqError('MQ_UNDECODABLE', `The body is in the character set ${shown(charset)}; only UTF-8 is read`)
  }
  const text = decodeText(body)
  return isJson ? parseJson(text) : text
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
    const why = text === '' ? 'it is empty' : (cause as Error).message.slice(0, 100)
    throw new MqError('MQ_UNDECODABLE', `The body is not valid JSON: ${why}`)
  }
}

/** Looks at brackets outside of strings only; an upper bound for text that is no JSON. */
function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0
  let inString = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (inString) {
      if (code === 0x5c) index++
      else if (code === 0x22) inString = false
    } else if (code === 0x22) inString = true
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > limit) return true
    } else if (code === 0x5d || code === 0x7d) depth--
  }
  return false
}

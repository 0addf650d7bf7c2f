import { shown } from '../contract/checks/shown.js'
import { MqError } from '../contract/errors.js'
import type { RawMessage } from '../contract/message.js'
import { maxDepth } from './max-depth.js'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const jsonPattern = /^application\/(?:[\w.!#$&^-]+\+)?json\s*(?:;|$)/i
const textPattern = /^text\//i
const charsetPattern = /;\s*charset\s*=\s*"?([\w-]+)/i

/**
 * Decodes the body of a message. The data is parsed as JSON for `application/json`, `+json` and a missing content type. It is a string
 * for `text/*`, and a copy of the bytes for every other content type.
 *
 * Throws `MQ_UNDECODABLE` for invalid UTF-8, another character set, invalid JSON and nesting beyond 64 levels.
 */
export function decodeData(body: Uint8Array, contentType: string | undefined): unknown {
  if (contentType === 'application/json') return parseJson(decodeText(body))
  const isJson = contentType === undefined || contentType === '' || jsonPattern.test(contentType)
  // Not from a pool: handlers may read numbers out of `data.buffer`.
  if (!isJson && !textPattern.test(contentType)) return new Uint8Array(body)
  const charset = charsetPattern.exec(contentType ?? '')?.[1]
  if (charset !== undefined && !/^(?:utf-?8|us-ascii)$/i.test(charset)) {
    throw new MqError('MQ_UNDECODABLE', `The body is in the character set ${shown(charset)}; only UTF-8 is read`)
  }
  const text = decodeText(body)
  return isJson ? parseJson(text) : text
}

/** Decodes the body of a message. Returns undefined if that fails, for places that only show it. */
export function decodedOrUndefined({ body, contentType }: Pick<RawMessage, 'body' | 'contentType'>): unknown {
  try {
    return decodeData(body, contentType)
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
    const why = text === '' ? 'it is empty' : (cause as Error).message.slice(0, 100)
    throw new MqError('MQ_UNDECODABLE', `The body is not valid JSON: ${why}`)
  }
}

/** Counts brackets outside of strings. The depth is an upper bound if the text is not JSON. */
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

import { createHash } from 'node:crypto'
import { escapeControls } from '../contract/checks/escaped.js'
import { isShortText, isWellFormed } from '../contract/names.js'

/** How much of a longer id is kept. */
const keptIdBytes = 200
/** How much is kept of another attribute that every message has. */
const maxTextBytes = 1_024

/**
 * Returns an id that a publish would take. An id that it takes is returned as it is. In any other one control characters are escaped,
 * the end of a long id is cut, and a hash of the whole id follows. Two ids never become the same one.
 */
export function boundedId(id: string): string {
  if (isShortText(id)) return id
  const hash = createHash('sha256').update(Buffer.from(id, 'utf16le')).digest('hex').slice(0, 32)
  return `${cut(escapeControls(id.slice(0, keptIdBytes)), keptIdBytes)}~${hash}`
}

/** Returns a text that can be shown: at most 1,024 bytes, with escaped control characters. */
export function boundedText(text: string): string {
  const escaped = escapeControls(text.slice(0, maxTextBytes))
  return isWellFormed(escaped) && Buffer.byteLength(escaped) <= maxTextBytes ? escaped : cut(escaped, maxTextBytes)
}

/** Cuts a text between two characters. Half of a surrogate pair becomes a replacement character, or is dropped at the cut. */
const cut = (text: string, maxBytes: number): string =>
  Buffer.from(text)
    .subarray(0, maxBytes)
    .toString()
    .replace(/\ufffd+$/, '')

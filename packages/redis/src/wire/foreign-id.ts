import { createHash } from 'node:crypto'

/** The contract's limit for the id of a message. */
const maxIdBytes = 255
/** How much of a longer id is kept. */
const keptBytes = 200

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const controls = /[\u0000-\u0008\u000a-\u001f\u007f]/g

/**
 * Returns an id that the contract allows for one that another program chose. An id that fits is returned as it is. Otherwise control
 * characters are escaped, the end of a long id is cut, and a hash of the whole id follows. Two ids never become the same one.
 */
export function boundedId(id: string): string {
  if (id.length <= maxIdBytes && id.search(controls) === -1 && Buffer.byteLength(id) <= maxIdBytes) return id
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 32)
  const escaped = id.slice(0, keptBytes).replace(controls, (control) => JSON.stringify(control).slice(1, -1))
  // The character at the cut may be incomplete.
  const kept = Buffer.from(escaped)
    .subarray(0, keptBytes)
    .toString()
    .replace(/\ufffd+$/, '')
  return `${kept}~${hash}`
}

import { attributesOf, emptyHeaders, messageFromAttributes } from '@mq/core/adapter'

/** @import { OutgoingMessage, RawMessage } from '@mq/core/adapter' */

/** Encodes a message: one line of JSON with the CloudEvents attributes and the headers, then the body unchanged. @param {OutgoingMessage} message */
export function encode(message) {
  const head = JSON.stringify({ attributes: attributesOf(message), headers: message.headers })
  return Buffer.concat([Buffer.from(`${head}\n`), message.body])
}

/**
 * Decodes the message in a file. A file without our first line was written by another program: all of it is the body, and the
 * file's time is the message's.
 * @param {Buffer} bytes
 * @param {{ id: string, topic: string, timeMs: number, timeOf: () => Promise<number> }} defaults
 * @returns {Promise<RawMessage>}
 */
export async function decode(bytes, { timeOf, ...defaults }) {
  const end = bytes.indexOf('\n')
  const head = headOf(bytes.toString('utf8', 0, Math.max(end, 0)))
  if (head === undefined) {
    const content = { headers: emptyHeaders, body: bytes }
    return messageFromAttributes({}, content, { ...defaults, timeMs: await timeOf() })
  }
  // Without a prototype, because a header may have the name of something that every object has.
  const headers = Object.assign(Object.create(null), head.headers)
  return messageFromAttributes(head.attributes, { headers, body: bytes.subarray(end + 1) }, defaults)
}

/** @param {string} line */
function headOf(line) {
  try {
    const head = JSON.parse(line)
    return head?.attributes?.specversion === undefined ? undefined : head
  } catch {
    return undefined
  }
}

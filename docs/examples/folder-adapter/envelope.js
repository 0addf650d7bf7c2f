import { attributesOf, emptyHeaders, messageFromAttributes } from '@mq/core/adapter'

/** @import { OutgoingMessage, RawMessage } from '@mq/core/adapter' */

/** One line of JSON with the CloudEvents attributes and the headers, then the body as it is. @param {OutgoingMessage} message */
export function encode(message) {
  const head = JSON.stringify({ attributes: attributesOf(message), headers: message.headers })
  return Buffer.concat([Buffer.from(`${head}\n`), message.body])
}

/**
 * The message in a file. One that does not begin with our line was written by another program: all of it is the body, and
 * its time that of the file.
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
  // Without a prototype: a header may be called like something that every object has.
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

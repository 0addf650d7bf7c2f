import { attributesOf, emptyHeaders, messageFromAttributes } from '@mq/core'

/** @import { OutgoingMessage, RawMessage } from '@mq/core' */

/** One line of JSON with the CloudEvents attributes and the headers, then the body as it is. @param {OutgoingMessage} message */
export function encode(message) {
  const head = JSON.stringify({ attributes: attributesOf(message), headers: message.headers })
  return Buffer.concat([Buffer.from(`${head}\n`), message.body])
}

/**
 * The message in a file. One that does not begin with our line was written by another program: all of it is the body.
 * @param {Buffer} bytes
 * @param {{ id: string, topic: string, timeMs: number }} defaults
 * @returns {RawMessage}
 */
export function decode(bytes, defaults) {
  const end = bytes.indexOf('\n')
  const head = headOf(bytes.toString('utf8', 0, Math.max(end, 0)))
  if (head === undefined) return messageFromAttributes({}, { headers: emptyHeaders, body: bytes }, defaults)
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

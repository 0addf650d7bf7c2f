import type { Channel } from 'amqplib'

const shortText = (text: string): Buffer => Buffer.concat([Buffer.from([Buffer.byteLength(text)]), Buffer.from(text)])

const withLength = (bytes: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** Returns the fields of a header table: one field `d` that holds tables nested so deep. */
export function nestedFields(depth: number): Buffer {
  const one = 1 + 1 + 1 + 4
  const bytes = Buffer.alloc(one * depth)
  for (let level = 0; level < depth; level++) {
    const at = level * one
    bytes.writeUInt8(1, at)
    bytes.write('dF', at + 1)
    bytes.writeUInt32BE((depth - level - 1) * one, at + 3)
  }
  return bytes
}

/** Returns the properties of a message that has a content type, these fields as headers, and an id. */
export const propertiesWith = (fields: Buffer, messageId: string): Buffer =>
  Buffer.concat([
    Buffer.from([0x80 | 0x20, 0x80]),
    shortText('application/json'),
    withLength(fields),
    shortText(messageId),
  ])

/** Returns the fields of a header table: one field `full` with a text of this many bytes. */
export const largeField = (bytes: number): Buffer =>
  Buffer.concat([shortText('full'), Buffer.from('S'), withLength(Buffer.alloc(bytes, 'x'))])

/** Returns the properties of a message with an id and the latest time that AMQP has, which no number of JavaScript holds. */
export const propertiesWithLateTime = (messageId: string): Buffer =>
  Buffer.concat([Buffer.from([0, 0x80 | 0x40]), shortText(messageId), Buffer.alloc(8, 0xff)])

/** Publishes a message whose properties the driver could not write itself. */
export function publishBytes(
  channel: Channel,
  to: { readonly exchange: string; readonly routingKey: string },
  { properties, content }: { readonly properties: Buffer; readonly content: Buffer },
): void {
  const { ch, connection } = channel as unknown as {
    ch: number
    connection: { sendBytes: (bytes: Buffer) => void }
  }
  const frame = (type: number, payload: Buffer): Buffer =>
    Buffer.concat([Buffer.from([type, ch >> 8, ch & 255]), withLength(payload), Buffer.from([0xce])])
  const method = Buffer.concat([
    Buffer.from([0, 60, 0, 40, 0, 0]),
    shortText(to.exchange),
    shortText(to.routingKey),
    Buffer.from([0]),
  ])
  const size = Buffer.alloc(12)
  size.writeUInt16BE(60, 0)
  size.writeBigUInt64BE(BigInt(content.length), 4)
  connection.sendBytes(
    Buffer.concat([frame(1, method), frame(2, Buffer.concat([size, properties])), frame(3, content)]),
  )
}

/** Returns the field `x-death` with what no broker writes there: an array of a text. */
export function forgedDeath(): Buffer {
  const text = Buffer.concat([Buffer.from('S'), withLength(Buffer.from('a'))])
  return Buffer.concat([shortText('x-death'), Buffer.from('A'), withLength(text)])
}

import { attributesOf, encodeFailure, type Failure, type RawMessage } from '@mq/core'

/** What an application's header `x` is called in an entry: `header:x`. No CloudEvents attribute has a colon. */
export const headerPrefix = 'header:'
export const bodyField = 'data'
/** Which attempt an entry is for. Without it, the first. */
export const attemptField = 'mq:attempt'
/** The id that it had in the topic's stream, in a group's own streams. */
export const originField = 'mq:entry'
/** How the attempt before ended, as JSON. */
export const failureField = 'mq:failure'

/** The fields and values of a stream entry: the CloudEvents attributes by their own names, the headers, the body. */
function fieldsOf(message: RawMessage): (string | Uint8Array)[] {
  const fields: (string | Uint8Array)[] = []
  const attributes = attributesOf(message)
  for (const name in attributes) fields.push(name, attributes[name] as string)
  for (const name in message.headers) fields.push(headerPrefix + name, message.headers[name] as string)
  fields.push(bodyField, message.body)
  return fields
}

/** The entry as one MessagePack array of strings, which a script unpacks, or keeps as it is until it is due. */
export function packMessage(message: RawMessage): Buffer {
  const fields = fieldsOf(message)
  const sizes = fields.map((field) => (typeof field === 'string' ? Buffer.byteLength(field) : field.byteLength))
  const packed = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + size + 5, 3))
  packed[0] = 0xdc
  let at = packed.writeUInt16BE(fields.length, 1)
  fields.forEach((field, index) => {
    at = writeSize(packed, at, sizes[index] as number)
    if (typeof field === 'string') at += packed.write(field, at)
    else {
      packed.set(field, at)
      at += field.byteLength
    }
  })
  return packed.subarray(0, at)
}

function writeSize(target: Buffer, at: number, size: number): number {
  if (size < 32) return target.writeUInt8(0xa0 | size, at)
  if (size < 0x1_0000) return target.writeUInt16BE(size, target.writeUInt8(0xda, at))
  return target.writeUInt32BE(size, target.writeUInt8(0xdb, at))
}

/** ASCII, so that any client shows it. */
export const packFailure = (failure: Failure): string => encodeFailure(failure)

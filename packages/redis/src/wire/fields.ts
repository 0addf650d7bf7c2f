import { encodeFailure, type Failure, type RawMessage } from '@mq/core/adapter'

/** What an application's header `x` is called in an entry: `header:x`. No CloudEvents attribute has a colon. */
export const headerPrefix = 'header:'
export const bodyField = 'data'
/** Which attempt an entry is for. Without it, the first. */
export const attemptField = 'mq:attempt'
/** The id that it had in the topic's stream, in a group's own streams. */
export const originField = 'mq:entry'
/** How the attempt before ended, as JSON. */
export const failureField = 'mq:failure'

/** ASCII, so that any client shows it. */
export const packFailure = (failure: Failure): string => encodeFailure(failure)

/**
 * A message for the publish script: the MessagePack strings of its id and its delay, and a third one of the fields and values of
 * its entry (the CloudEvents attributes by their own names, the headers, the body), which are MessagePack strings in turn.
 */
export interface Packed {
  /** All but the body, a byte for each character: one string is written faster than its twenty parts. */
  readonly head: string
  readonly body: Uint8Array
}

const names = Object.fromEntries(
  ['specversion', 'id', 'source', 'type', 'time', 'datacontenttype', 'partitionkey'].map((name) => [name, pack(name)]),
) as Readonly<Record<string, string>>
const version = pack('specversion') + pack('1.0')
const dataName = pack(bodyField)

export function packMessage(message: RawMessage, delayMs: number): Packed {
  const { id, source, type, time, contentType, key, extensions, headers, body } = message
  const packedId = pack(id)
  let fields = `${version}${names.id}${packedId}${names.source}${pack(source)}${names.type}${pack(type)}`
  fields += names.time + pack(time)
  if (contentType !== undefined) fields += names.datacontenttype + pack(contentType)
  if (key !== undefined) fields += names.partitionkey + pack(key)
  for (const name in extensions) fields += pack(name) + pack(extensions[name] as string)
  for (const name in headers) fields += pack(headerPrefix + name) + pack(headers[name] as string)
  fields += dataName + sizeOf(body.byteLength)
  return { head: packedId + pack(String(delayMs)) + sizeOf(fields.length + body.byteLength) + fields, body }
}

export const packedBytes = ({ head, body }: Packed): number => head.length + body.byteLength

/** Several, one after the other. */
export function joinPacked(all: readonly Packed[]): Buffer {
  const joined = Buffer.allocUnsafe(all.reduce((sum, packed) => sum + packedBytes(packed), 0))
  let at = 0
  for (const { head, body } of all) {
    at += joined.write(head, at, 'latin1')
    joined.set(body, at)
    at += body.byteLength
  }
  return joined
}

function pack(text: string): string {
  const size = Buffer.byteLength(text)
  return sizeOf(size) + (size === text.length ? text : Buffer.from(text).toString('latin1'))
}

function sizeOf(bytes: number): string {
  if (bytes < 32) return String.fromCharCode(0xa0 | bytes)
  if (bytes < 0x1_0000) return String.fromCharCode(0xda, bytes >> 8, bytes & 0xff)
  return String.fromCharCode(0xdb, bytes >>> 24, (bytes >> 16) & 0xff, (bytes >> 8) & 0xff, bytes & 0xff)
}

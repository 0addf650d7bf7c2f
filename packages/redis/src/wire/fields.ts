import { encodeFailure, type Failure, type RawMessage } from '@mq/core/adapter'

/** The prefix of an application's headers, as in `header:tenant`. No CloudEvents attribute contains a colon. */
export const headerPrefix = 'header:'
export const bodyField = 'data'
/** The attempt that an entry is for. An entry without this field is for the first one. */
export const attemptField = 'mq:attempt'
/** The id that an entry of a group's own streams had in the topic's stream. */
export const originField = 'mq:entry'
/** The failure of the previous attempt, as JSON. */
export const failureField = 'mq:failure'
/** The stored bytes of a delayed message that cannot be unpacked. It is no `mq:` field, because a dead letter keeps it. */
export const unreadableField = 'raw:fields'

/** Other programs may choose the numbers of their ids, and there are no dates beyond this one. */
export const timeOf = (entryId: string): number => Math.min(Number.parseInt(entryId, 10) || 0, 8.64e15)

/** Encodes a failure in ASCII, so that every client can show it. */
export const packFailure = (failure: Failure): string => encodeFailure(failure)

/**
 * A message for the publish script: three MessagePack strings for its id, its delay and its entry. The last one contains MessagePack
 * strings in turn: the fields and values of the entry, which are the CloudEvents attributes, the headers and the body.
 */
export interface Packed {
  /** Everything but the body, with one byte per character. One string is written faster than its twenty parts. */
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

/** Joins messages, one after the other. */
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

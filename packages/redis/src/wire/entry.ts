import {
  decodeFailure,
  emptyHeaders,
  type Failure,
  MqError,
  messageFromAttributes,
  type RawMessage,
} from '@mq/core/adapter'
import { attemptField, bodyField, failureField, headerPrefix, originField, unreadableField } from './fields.js'
import { boundedId } from './foreign-id.js'
import { timeOf, undecodableError, undecodableMessage } from './undecodable.js'

/** A stream entry, undecoded. */
export interface Entry {
  readonly id: string
  /** The names and values in turn. */
  readonly fields: readonly Buffer[]
}

export interface DecodedEntry {
  readonly message: RawMessage
  /** The attempt that the entry names. Deliveries that ended without a settlement are added to it. */
  readonly attempt: number
  readonly failure: Failure | undefined
  readonly decodeError: MqError | undefined
  /** The bytes of all names and values. */
  readonly bytes: number
}

/** The fields of an entry by their meaning. */
interface Parts {
  readonly attributes: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly body: Buffer | undefined
  readonly attempt: number
  readonly failure: Failure | undefined
  /** The id that the entry had in the topic's stream. */
  readonly origin: string
  readonly isUnreadable: boolean
}

/**
 * Decodes an entry. Attributes may be missing, as in entries of other programs. An entry without a `data` field, or with a `specversion`
 * of another major version, cannot be decoded. Its body is then a text that shows what was found. Never throws.
 */
export function decodeEntry(entry: Entry, topic: string): DecodedEntry {
  const bytes = bytesOf(entry.fields)
  let parts: Parts | undefined
  try {
    parts = partsOf(entry)
    const { attempt, failure } = parts
    return { message: messageOf(parts, topic), attempt, failure, decodeError: undefined, bytes }
  } catch (error) {
    const { attempt, failure } = parts ?? { attempt: 1, failure: undefined }
    return { message: undecodableMessage(entry, topic), attempt, failure, decodeError: undecodableError(error), bytes }
  }
}

function messageOf({ attributes, headers, body, origin, isUnreadable }: Parts, topic: string): RawMessage {
  if (body === undefined && isUnreadable) {
    throw new MqError('MQ_UNDECODABLE', 'The stored fields of a delayed message cannot be unpacked')
  }
  if (body === undefined) throw new MqError('MQ_UNDECODABLE', `The entry has no field '${bodyField}'`)
  const content = { headers: headers === undefined ? emptyHeaders : Object.freeze(headers), body }
  return messageFromAttributes(attributes, content, { id: boundedId(origin), topic, timeMs: timeOf(origin) })
}

function partsOf({ id, fields }: Entry): Parts {
  const attributes: Record<string, string> = Object.create(null)
  let headers: Record<string, string> | undefined
  let body: Buffer | undefined
  let attempt = 1
  let failure: Failure | undefined
  let origin = id
  let isUnreadable = false
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = (fields[index] as Buffer).toString()
    const value = fields[index + 1] as Buffer
    if (name === bodyField) body = value
    else if (name === 'id') attributes.id = boundedId(value.toString())
    // The scripts name the lane of a message by its first key.
    else if (name === 'partitionkey') attributes.partitionkey ||= value.toString()
    else if (name === attemptField) attempt = Math.max(1, Math.trunc(Number(value.toString())) || 1)
    else if (name === originField) origin = value.toString()
    else if (name === failureField) failure = decodeFailure(value.toString())
    else if (name === unreadableField) isUnreadable = true
    else if (name.startsWith(headerPrefix)) {
      headers ??= Object.create(null) as Record<string, string>
      headers[name.slice(headerPrefix.length)] = value.toString()
    } else attributes[name] = value.toString()
  }
  return { attributes, headers, body, attempt, failure, origin, isUnreadable }
}

function bytesOf(fields: readonly Buffer[]): number {
  let bytes = 0
  for (const field of fields) bytes += field.length
  return bytes
}

import {
  decodeFailure,
  emptyHeaders,
  type Failure,
  MqError,
  messageFromAttributes,
  type RawMessage,
} from '@mq/core/adapter'
import { attemptField, bodyField, failureField, headerPrefix, originField } from './fields.js'

/** A stream entry as it was read. */
export interface Entry {
  readonly id: string
  /** Names and values in turn. */
  readonly fields: readonly Buffer[]
}

export interface DecodedEntry {
  readonly message: RawMessage
  /** Of the entry itself; deliveries that ended without a settlement come on top. */
  readonly attempt: number
  readonly failure: Failure | undefined
  readonly decodeError: MqError | undefined
}

/**
 * Attributes may be missing, as in entries of other programs. What has no `data` field, or a `specversion` of another major
 * version, cannot be decoded: its body is then all that was found.
 */
export function decodeEntry({ id, fields }: Entry, topic: string): DecodedEntry {
  const attributes: Record<string, string> = Object.create(null)
  let headers: Record<string, string> | undefined
  let body: Buffer | undefined
  let attempt = 1
  let failure: Failure | undefined
  let origin = id
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = (fields[index] as Buffer).toString()
    const value = fields[index + 1] as Buffer
    if (name === bodyField) body = value
    else if (name === attemptField) attempt = Math.max(1, Math.trunc(Number(value.toString())) || 1)
    else if (name === originField) origin = value.toString()
    else if (name === failureField) failure = decodeFailure(value.toString())
    else if (name.startsWith(headerPrefix)) {
      headers ??= Object.create(null) as Record<string, string>
      headers[name.slice(headerPrefix.length)] = value.toString()
    } else attributes[name] = value.toString()
  }
  // Programs may choose the numbers of their ids; past this one there is no date.
  const defaults = { id: origin, topic, timeMs: Math.min(Number.parseInt(origin, 10) || 0, 8.64e15) }
  const content = {
    headers: headers === undefined ? emptyHeaders : Object.freeze(headers),
    body: body ?? whole(fields),
  }
  const found = { attempt, failure }
  try {
    if (body === undefined) throw new MqError('MQ_UNDECODABLE', `The entry has no field '${bodyField}'`)
    return { message: messageFromAttributes(attributes, content, defaults), ...found, decodeError: undefined }
  } catch (error) {
    const message = messageFromAttributes({ ...attributes, specversion: undefined }, content, defaults)
    return { message, ...found, decodeError: error as MqError }
  }
}

/** All fields as JSON, for a person to look at. */
function whole(fields: readonly Buffer[]): Buffer {
  const pairs: [string, string][] = []
  for (let index = 0; index + 1 < fields.length; index += 2) {
    pairs.push([String(fields[index]), String(fields[index + 1])])
  }
  return Buffer.from(JSON.stringify(Object.fromEntries(pairs)))
}

import {
  decodeFailure,
  emptyHeaders,
  type Failure,
  MqError,
  messageFromAttributes,
  type RawMessage,
} from '@mq/core/adapter'
import { attemptField, bodyField, failureField, headerPrefix, originField } from './fields.js'

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
}

/**
 * Decodes an entry. Attributes may be missing, as in entries of other programs. An entry without a `data` field, or with a `specversion`
 * of another major version, cannot be decoded. Its body is then everything that was found.
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
  // Other programs may choose the numbers of their ids, and there are no dates beyond this one.
  const defaults = { id: origin, topic, timeMs: Math.min(Number.parseInt(origin, 10) || 0, 8.64e15) }
  const content = {
    headers: headers === undefined ? emptyHeaders : Object.freeze(headers),
    body: body ?? fieldsAsJson(fields),
  }
  const common = { attempt, failure }
  try {
    if (body === undefined) throw new MqError('MQ_UNDECODABLE', `The entry has no field '${bodyField}'`)
    return { message: messageFromAttributes(attributes, content, defaults), ...common, decodeError: undefined }
  } catch (error) {
    const message = messageFromAttributes({ ...attributes, specversion: undefined }, content, defaults)
    return { message, ...common, decodeError: error as MqError }
  }
}

/** Shows all fields as JSON, for a person to read. */
function fieldsAsJson(fields: readonly Buffer[]): Buffer {
  const pairs: [string, string][] = []
  for (let index = 0; index + 1 < fields.length; index += 2) {
    pairs.push([String(fields[index]), String(fields[index + 1])])
  }
  return Buffer.from(JSON.stringify(Object.fromEntries(pairs)))
}

import { MqError, messageFromAttributes, type RawMessage } from '@mq/core/adapter'
import type { Entry } from './entry.js'
import { bodyField, headerPrefix, originField, timeOf, unreadableField } from './fields.js'

/** How much is kept of a value that is shown. */
const maxShownBytes = 1_024
/** How many attributes and headers are kept. */
const maxKept = 64
/** How long the text of all fields may become. */
const maxTextLength = 32 * 1024

/** Makes the message of an entry that cannot be decoded. Never throws, and shows no more of the entry than a person would read. */
export function undecodableMessage({ id, fields }: Entry, topic: string): RawMessage {
  const attributes: Record<string, string> = Object.create(null)
  const headers: Record<string, string> = Object.create(null)
  let body: Buffer | undefined
  let kept = 0
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = beginning(fields[index] as Buffer)
    const value = fields[index + 1] as Buffer
    if (name === bodyField || (name === unreadableField && body === undefined)) body = value
    if (name === bodyField || name === 'specversion' || value.length > maxShownBytes || kept === maxKept) continue
    kept += 1
    if (name.startsWith(headerPrefix)) headers[name.slice(headerPrefix.length)] = beginning(value)
    else attributes[name] ??= beginning(value)
  }
  const origin = attributes[originField] ?? id
  return messageFromAttributes(
    attributes,
    { headers: Object.freeze(headers), body: body ?? fieldsAsJson(fields) },
    { id: origin, topic, timeMs: timeOf(origin) },
  )
}

/** Says why an entry cannot be decoded. */
export function undecodableError(error: unknown): MqError {
  if (error instanceof MqError) return error
  return new MqError('MQ_UNDECODABLE', `The entry cannot be decoded: ${(error as Error).message}`, { cause: error })
}

const beginning = (bytes: Buffer): string => bytes.subarray(0, maxShownBytes).toString()

function shown(bytes: Buffer): string {
  return bytes.length > maxShownBytes ? `${beginning(bytes)}... (${bytes.length} bytes)` : beginning(bytes)
}

/** Shows the fields as JSON, for a person to read. */
function fieldsAsJson(fields: readonly Buffer[]): Buffer {
  const pairs: [string, string][] = []
  let length = 0
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const pair: [string, string] = [shown(fields[index] as Buffer), shown(fields[index + 1] as Buffer)]
    length += JSON.stringify(pair).length
    if (length > maxTextLength) {
      pairs.push(['...', `${(fields.length - index) / 2} more fields`])
      break
    }
    pairs.push(pair)
  }
  return Buffer.from(JSON.stringify(Object.fromEntries(pairs)))
}

import { isUtf8 } from 'node:buffer'
import { type ForeignPlace, MqError, shownPlace } from '@mq/core/adapter'

/** How the entries of a stream that other programs write hold a message. */
export interface ForeignForm {
  /** The field with the body; the others are headers. If it is undefined, all fields together are the body, as a JSON object. */
  readonly field: string | undefined
}

/** The stream of a foreign place. Throws `MQ_NOT_SUPPORTED` for a place of another broker. */
export function foreignStream(at: ForeignPlace): { readonly stream: string; readonly form: ForeignForm } {
  if (typeof at === 'string') return { stream: at, form: { field: undefined } }
  if ('stream' in at) return { stream: at.stream, form: { field: at.field } }
  throw new MqError('MQ_NOT_SUPPORTED', `redis cannot read ${shownPlace(at)}; name the key of a stream`)
}

/**
 * Returns the hash tag of a foreign key, which decides on its slot in a cluster. Our keys for it begin with the same tag, because a
 * script may use keys of one slot only. Returns undefined for a key whose slot no other key can name.
 */
export function hashTagOf(key: string): string | undefined {
  const open = key.indexOf('{')
  const close = open === -1 ? -1 : key.indexOf('}', open + 1)
  if (close > open + 1) return key.slice(open + 1, close)
  return key.includes('}') ? undefined : key
}

/** The fields of an entry that belong to the message, in their order. */
export type Pairs = readonly (readonly [name: string, value: Buffer])[]

export interface ForeignContent {
  readonly contentType: string | undefined
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly body: Buffer
}

/** Finds the body in the fields of another program's entry. Throws `MQ_UNDECODABLE`. */
export function foreignContent(pairs: Pairs, { field }: ForeignForm): ForeignContent {
  if (field === undefined) return { contentType: 'application/json', headers: undefined, body: asObject(pairs) }
  const body = pairs.find(([name]) => name === field)?.[1]
  if (body === undefined) throw new MqError('MQ_UNDECODABLE', `The entry has no field '${field}'`)
  let headers: Record<string, string> | undefined
  for (const [name, value] of pairs) {
    if (name === field) continue
    headers ??= Object.create(null) as Record<string, string>
    headers[name] = value.toString()
  }
  return { contentType: undefined, headers, body }
}

/** Writes fields as a JSON object of texts. The values of a name that is there more than once are a list. */
function asObject(pairs: Pairs): Buffer {
  const object: Record<string, string | string[]> = Object.create(null)
  for (const [name, value] of pairs) {
    if (!isUtf8(value)) {
      const advice = "name the field with the body in defineForeignTopic: at: { stream, field }, decode: 'bytes'"
      throw new MqError('MQ_UNDECODABLE', `A field of the entry holds bytes that are no UTF-8; ${advice}`)
    }
    const text = value.toString()
    const before = object[name]
    if (before === undefined) object[name] = text
    else if (typeof before === 'string') object[name] = [before, text]
    else before.push(text)
  }
  return Buffer.from(JSON.stringify(object))
}

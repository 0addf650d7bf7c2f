import { createHash, type Hash } from 'node:crypto'
import type { MessageProperties } from 'amqplib'
import { unreadableHeaders } from '../connection/unreadable.js'
import { countedHeader, type Table } from './headers.js'
import { jsonOf } from './json.js'
import { fieldsOf } from './raw-table.js'

/** Returns a hash of the properties of a message. It is the same on each delivery, although the broker changes the order of headers. */
export function propertiesHash(properties: MessageProperties): Hash {
  const { headers, clusterId: _cluster, ...others } = properties
  const undecoded = (properties as { readonly [unreadableHeaders]?: Buffer })[unreadableHeaders]
  const hash = createHash('sha256').update(jsonOf([others, without(countedHeader, headers ?? {})]))
  if (undecoded === undefined) return hash
  const fields = fieldsOf(undecoded).filter(({ name }) => !countedHeader.test(name))
  for (const { bytes } of fields.toSorted((one, other) => Buffer.compare(one.bytes, other.bytes))) hash.update(bytes)
  return hash
}

/** Returns the headers whose names do not match. */
export function without(names: RegExp, headers: Table): Table {
  const left: Table = Object.create(null)
  for (const name of Object.keys(headers)) if (!names.test(name)) left[name] = headers[name]
  return left
}

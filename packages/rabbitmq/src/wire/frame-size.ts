import type { Options } from 'amqplib'
import type { Table } from './headers.js'

/** The frame around a payload, and what comes before the properties in it: a class, a weight, a size and flags. */
const overheadBytes = 8 + 14
/** A text among the properties is short, and a number takes at most 8 bytes. */
const maxShortBytes = 256
const otherProperties = 13

/** The type and the length of a field, and the length of its name. */
const fieldBytes = 6
/** A number, a boolean or null, with its type. */
const scalarBytes = 9
/** The most bytes of a UTF-16 code unit in UTF-8. */
const maxUnitBytes = 3

/**
 * Says whether the properties may exceed a frame of this size. A frame holds all of them, and the broker closes the connection over a
 * larger one. It is exact to a few bytes for each field, and always on the safe side.
 */
export function exceedsFrame(properties: Options.Publish, frameMax: number): boolean {
  const headers: Table = properties.headers ?? {}
  if (roughBytes(headers) + otherProperties * maxShortBytes <= frameMax) return false
  return overheadBytes + otherBytes(properties) + valueBytes(headers) > frameMax
}

/** Returns more bytes than the headers take, without looking into their texts. Most messages need nothing else. */
function roughBytes(headers: Table): number {
  let units = 0
  for (const name in headers) {
    const value = headers[name]
    if (typeof value === 'object' && value !== null) return Number.POSITIVE_INFINITY
    units += name.length + (typeof value === 'string' ? value.length : scalarBytes) + fieldBytes
  }
  return overheadBytes + units * maxUnitBytes
}

const otherNames = ['contentType', 'contentEncoding', 'correlationId', 'replyTo', 'messageId', 'type', 'appId'] as const
/** The delivery mode, the priority and the timestamp. */
const numberBytes = 10

function otherBytes(properties: Options.Publish): number {
  let bytes = numberBytes
  for (const name of otherNames) {
    const text = properties[name]
    if (typeof text === 'string') bytes += 1 + Buffer.byteLength(text)
  }
  return bytes
}

/** Follows the driver's encoding. A value nested too deep for the stack is one that the driver cannot write either. */
function valueBytes(value: unknown): number {
  if (typeof value === 'string') return 5 + Buffer.byteLength(value)
  if (typeof value !== 'object' || value === null) return scalarBytes
  if (Buffer.isBuffer(value)) return 5 + value.length
  if (Object.hasOwn(value, '!')) return Math.max(scalarBytes, valueBytes((value as { value?: unknown }).value))
  let bytes = 5
  if (Array.isArray(value)) for (const item of value) bytes += valueBytes(item)
  else {
    for (const [name, item] of Object.entries(value)) {
      if (item !== undefined) bytes += 1 + Buffer.byteLength(name) + valueBytes(item)
    }
  }
  return bytes
}

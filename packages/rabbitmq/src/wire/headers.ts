import type { Message } from 'amqplib'
import { unreadableHeaders } from '../connection/unreadable.js'

/** The headers of a message, as the driver reads and writes them. */
export type Table = Record<string, unknown>

/**
 * The headers with a group's own history. They distinguish a copy, which a retry or a dead letter is, from what was published. `replay`
 * tells a replayed message from the one that died, and `raw` holds the bytes of headers that cannot be decoded.
 */
export const own = {
  attempt: 'mq-attempt',
  failure: 'mq-failure',
  entry: 'mq-entry',
  time: 'mq-time',
  replay: 'mq-replay',
  raw: 'mq-raw',
} as const

export const isOwn = (name: string): boolean => name.startsWith('mq-')

/** The prefix that the AMQP binding of CloudEvents writes. It lets readers accept the second form as well. */
export const attributePrefix = 'cloudEvents:'
const attributePattern = /^cloudEvents[:_](.+)$/

/** Returns the name of the CloudEvents attribute in a header, or undefined for other headers. */
export const attributeOf = (name: string): string | undefined =>
  name.startsWith('cloudEvents') ? attributePattern.exec(name)?.[1] : undefined

/** Matches the headers in which the broker records its own deliveries and dead letters. */
export const brokerHeader = /^x-(?:death|first-death-.*|last-death-.*|delivery-count|acquired-count)$/

/** Matches the headers in which the broker counts deliveries: they differ each time. */
export const countedHeader = /^x-(?:delivery-count|acquired-count)$/

/** Returns the bytes of the headers if those cannot be decoded: as the driver delivered them, or as an earlier copy holds them. */
export function unreadableHeadersOf({ properties }: Message): Buffer | undefined {
  const delivered = (properties as { readonly [unreadableHeaders]?: Buffer })[unreadableHeaders]
  const kept: unknown = properties.headers?.[own.raw]
  return delivered ?? (Buffer.isBuffer(kept) ? kept : undefined)
}

/** Returns a text, number or boolean as text, and undefined for other types, which only other programs write. */
export function textValue(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  return undefined
}

import { MqError } from '../contract/errors.js'
import type { MessageHeaders } from '../contract/headers.js'
import type { RawMessage } from '../contract/message.js'

/** The CloudEvents extension that every broker carries. See docs/decisions/0006-tombstones.md. */
export const tombstoneAttribute = 'tombstone'
const marked = 'true'

type Content = Pick<RawMessage, 'body'> & Partial<Pick<RawMessage, 'extensions'>>

/**
 * Returns whether a message deletes its key: its attribute `tombstone` is `true`, and its body is empty. An adapter for a broker with
 * a value for that, as Kafka has in `null`, writes and reads that value instead.
 */
export const isTombstone = ({ body, extensions }: Content): boolean =>
  body.byteLength === 0 && extensions?.[tombstoneAttribute] === marked

/** Adds the attribute of a tombstone. */
export const withTombstone = (extensions: MessageHeaders): MessageHeaders =>
  Object.freeze(Object.assign(Object.create(null), extensions, { [tombstoneAttribute]: marked }))

/** Removes the attribute of a tombstone, which a handler reads from `message.tombstone`. */
export function withoutTombstone(extensions: MessageHeaders): MessageHeaders {
  const others: Record<string, string> = Object.assign(Object.create(null), extensions)
  delete others[tombstoneAttribute]
  return Object.freeze(others)
}

/** Says why a message without data does not reach a handler that expects data. */
export const unexpectedTombstone = (topic: string): MqError => {
  const advice = 'subscribe with tombstones: true to handle it'
  return new MqError('MQ_INVALID_DATA', `A tombstone of '${topic}' has no data, because it deletes its key; ${advice}`)
}

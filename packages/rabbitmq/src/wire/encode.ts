import { attributesOf, type RawMessage } from '@mq/core/adapter'
import type { Options } from 'amqplib'
import { attributePrefix, type Table } from './headers.js'

export interface Encoded {
  readonly content: Buffer
  readonly properties: Options.Publish
}

/** Writes a message as a CloudEvent in the binary mode of the AMQP binding. */
export function encode(message: RawMessage): Encoded {
  const { body, headers, id, contentType } = message
  const table: Table = Object.create(null)
  const attributes = attributesOf(message)
  for (const name in attributes) {
    // The content type is a property of AMQP.
    if (name !== 'datacontenttype') table[attributePrefix + name] = attributes[name]
  }
  for (const name in headers) table[name] = headers[name]
  const timeMs = Date.parse(message.time)
  return {
    content: Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    properties: {
      headers: table,
      messageId: id,
      persistent: true,
      mandatory: true,
      ...(contentType !== undefined && { contentType }),
      ...(timeMs >= 0 && { timestamp: Math.floor(timeMs / 1_000) }),
    },
  }
}

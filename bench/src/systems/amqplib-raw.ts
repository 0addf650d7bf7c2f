import { amqplibWith } from './amqplib.js'
import { attributesOf, contentType, named } from './attributes.js'

/** Sends the headers and properties that ours writes. */
export const open = amqplibWith((topic) => {
  const attributes = attributesOf(topic)
  return {
    headers: named('cloudEvents:', attributes),
    messageId: attributes.id,
    contentType,
    timestamp: Math.floor(Date.now() / 1_000),
    persistent: true,
    mandatory: true,
  }
})

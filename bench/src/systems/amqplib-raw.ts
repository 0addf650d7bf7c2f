import { connect } from 'amqplib'
import type { OpenSystem } from '../system.js'
import { attributesOf, contentType, named } from './attributes.js'

/** Uses a quorum queue with confirms, without Nagle's delay, and with the headers and properties that ours writes. */
export const open: OpenSystem = async ({ url, topic, concurrency }) => {
  const [publishing, consuming] = await Promise.all([connect(url, { noDelay: true }), connect(url, { noDelay: true })])
  const out = await publishing.createConfirmChannel()
  const into = await consuming.createChannel()
  await out.assertQueue(topic, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await into.prefetch(concurrency)
  return {
    publish: (body) =>
      new Promise((resolve, reject) => {
        const content = Buffer.from(body.buffer, body.byteOffset, body.length)
        const attributes = attributesOf(topic)
        const properties = {
          headers: named('cloudEvents:', attributes),
          messageId: attributes.id,
          contentType,
          timestamp: Math.floor(Date.now() / 1_000),
          persistent: true,
          mandatory: true,
        }
        out.sendToQueue(topic, content, properties, (error) => (error ? reject(error) : resolve()))
      }),
    async consume(handler) {
      await into.consume(topic, (message) => {
        if (message === null) return
        handler(message.content)
        into.ack(message)
      })
    },
    async close() {
      await Promise.all([publishing.close(), consuming.close()])
    },
  }
}

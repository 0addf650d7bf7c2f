import { connect } from 'amqplib'
import type { OpenSystem } from '../system.js'

/** A quorum queue with confirms, without Nagle's delay. */
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
        out.sendToQueue(topic, content, { persistent: true }, (error) => (error ? reject(error) : resolve()))
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

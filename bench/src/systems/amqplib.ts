import { connect, type Options } from 'amqplib'
import type { OpenSystem } from '../system.js'
import { decode, encode } from './json.js'

/** Returns a system that uses a quorum queue with confirms, without Nagle's delay, and sends the given properties with each body. */
export const amqplibWith =
  (propertiesOf: (topic: string) => Options.Publish): OpenSystem =>
  async ({ url, topic, concurrency }) => {
    const [publishing, consuming] = await Promise.all([
      connect(url, { noDelay: true }),
      connect(url, { noDelay: true }),
    ])
    const out = await publishing.createConfirmChannel()
    const into = await consuming.createChannel()
    await out.assertQueue(topic, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
    await into.prefetch(concurrency)
    return {
      publish: (body) =>
        new Promise((resolve, reject) => {
          out.sendToQueue(topic, encode(body), propertiesOf(topic), (error) => (error ? reject(error) : resolve()))
        }),
      async consume(handler) {
        await into.consume(topic, (message) => {
          if (message === null) return
          handler(decode(message.content))
          into.ack(message)
        })
      },
      async close() {
        await Promise.all([publishing.close(), consuming.close()])
      },
    }
  }

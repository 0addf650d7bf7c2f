import type { OpenSystem } from '../system.js'
import { decode, encode } from './json.js'
import { kafkaFor, prepare } from './kafkajs.js'

/** Uses kafkajs as its guide shows: one `send` for each message, and `eachMessage`. */
export const open: OpenSystem = async ({ url, topic, isPrepared = false }) => {
  const kafka = kafkaFor(url)
  const groupId = await prepare(kafka, topic, isPrepared)
  const producer = kafka.producer()
  await producer.connect()
  const consumer = kafka.consumer({ groupId })
  return {
    async publish(body) {
      await producer.send({ topic, messages: [{ value: encode(body) }] })
    },
    async consume(handler) {
      await consumer.connect()
      await consumer.subscribe({ topic })
      await consumer.run({
        eachMessage: async ({ message }) => {
          if (message.value !== null) handler(decode(message.value))
        },
      })
    },
    async close() {
      await consumer.disconnect()
      await producer.disconnect()
    },
  }
}

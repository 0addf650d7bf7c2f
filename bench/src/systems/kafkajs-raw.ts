import type { OpenSystem } from '../system.js'
import { attributesOf, contentType, named } from './attributes.js'
import { kafkaFor, partitions, prepare } from './kafkajs.js'

interface Waiting {
  readonly value: Buffer
  readonly headers: Record<string, string>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Uses kafkajs at its fastest: one `send` for all waiting messages, and `eachBatch`. Writes the headers that ours writes. */
export const open: OpenSystem = async ({ url, topic }) => {
  const kafka = kafkaFor(url)
  const groupId = await prepare(kafka, topic)
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  const consumer = kafka.consumer({ groupId })
  let waiting: Waiting[] = []
  let isSending = false
  let next = 0

  const flush = async (): Promise<void> => {
    isSending = true
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      const messages = batch.map(({ value, headers }) => ({ value, headers, partition: next++ % partitions }))
      try {
        await producer.send({ topic, acks: -1, messages })
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    isSending = false
  }
  return {
    publish: (body) =>
      new Promise((resolve, reject) => {
        const value = Buffer.from(body.buffer, body.byteOffset, body.length)
        const headers = { 'content-type': contentType, ...named('ce_', attributesOf(topic)) }
        waiting.push({ value, headers, resolve, reject })
        if (!isSending) void flush()
      }),
    async consume(handler) {
      await consumer.connect()
      await consumer.subscribe({ topic })
      await consumer.run({
        eachBatch: async ({ batch }) => {
          for (const { value } of batch.messages) if (value !== null) handler(value)
        },
      })
    },
    async close() {
      await consumer.disconnect()
      await producer.disconnect()
    },
  }
}

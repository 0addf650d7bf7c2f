import type { OpenSystem } from '../system.js'
import { decode, encode } from './json.js'
import { kafkaFor, partitions, prepare } from './kafkajs.js'

interface Waiting {
  readonly value: Buffer
  readonly headers: Record<string, string>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** The most that kafkajs may put into one batch of a partition. The broker refuses batches from 1 MiB. */
const maxBatchBytes = 950_000
/** The most that the headers of a message take. */
const headerBytes = 500

/** Returns a system that uses kafkajs at its fastest: one `send` for all waiting messages, and `eachBatch`. */
export const batchingWith =
  (headersOf: (topic: string) => Record<string, string>): OpenSystem =>
  async ({ url, topic, isPrepared = false }) => {
    const kafka = kafkaFor(url)
    const groupId = await prepare(kafka, topic, isPrepared)
    const producer = kafka.producer({ allowAutoTopicCreation: false })
    await producer.connect()
    const consumer = kafka.consumer({ groupId })
    const waiting: Waiting[] = []
    let isSending = false
    let next = 0

    const flush = async (): Promise<void> => {
      isSending = true
      while (waiting.length > 0) {
        const batch = waiting.splice(0, fitting(waiting))
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
          waiting.push({ value: encode(body), headers: headersOf(topic), resolve, reject })
          if (!isSending) void flush()
        }),
      async consume(handler) {
        await consumer.connect()
        await consumer.subscribe({ topic })
        await consumer.run({
          eachBatch: async ({ batch }) => {
            for (const { value } of batch.messages) if (value !== null) handler(decode(value))
          },
        })
      },
      async close() {
        await consumer.disconnect()
        await producer.disconnect()
      },
    }
  }

/** Returns how many of the waiting messages fit into one batch for each partition. */
function fitting(waiting: readonly Waiting[]): number {
  const largest = waiting.reduce((max, { value }) => Math.max(max, value.length), 1)
  return Math.max(1, Math.floor(maxBatchBytes / (largest + headerBytes))) * partitions
}

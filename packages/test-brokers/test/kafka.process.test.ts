import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { brokers, kafka, shared, until } from '../src/index.js'
import { ask } from '../src/sources/ask.js'
import { createTopic, kafkaClient, kafkaDriver } from './drivers/kafka.js'
import { processSuite } from './suites/process.js'

describe.skipIf(!brokers.owned('kafka'))('Kafka', () => {
  processSuite({ server: () => kafka(), driver: kafkaDriver })

  it('is 4.1 or newer, without the requests that 4.0 removed', async () => {
    const server = await shared('kafka')
    const [major = 0, minor = 0] = (server.version ?? '').split('.').map(Number)
    expect(major * 1_000 + minor).toBeGreaterThanOrEqual(4_001)
    // An ApiVersions request; the answer lists (request, minimum version, maximum version).
    const versions = await ask(server, {
      send: Buffer.from('0000000e0012000000000001000474657374', 'hex'),
      read: (reply) => (reply.length > 14 && reply.length >= 4 + reply.readInt32BE(0) ? reply.subarray(14) : undefined),
    })
    const leastFetch = Array.from({ length: Math.floor(versions.length / 6) }, (_, index) =>
      versions.subarray(index * 6),
    )
      .find((entry) => entry.readInt16BE(0) === 1)
      ?.readInt16BE(2)
    expect(leastFetch).toBe(4)
  })

  it('works with kafkajs: groups commit, and resume at their offsets', async () => {
    const server = await shared('kafka')
    const client = kafkaClient(server, { retry: { retries: 5 } })
    const [topic, groupId] = [`resumed.${randomUUID()}`, randomUUID()]
    await createTopic(client, topic)
    const producer = client.producer()
    await producer.connect()
    for (const value of ['first', 'second']) {
      await producer.send({ topic, messages: [{ value }] })
      const seen: string[] = []
      const consumer = client.consumer({ groupId })
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) })
      await until(() => seen.length > 0, { what: `the ${value} record`, timeoutMs: 15_000 })
      await consumer.disconnect()
      expect(seen).toEqual([value])
    }
    await producer.disconnect()
  })
})

import { createRequire } from 'node:module'
import { brokers, type KafkaServer, kafka, shared, until } from '@mq/test-brokers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Cluster } from '../src/driver/cluster.js'
import { newTopic, open } from './support/open.js'
import { outsideClient } from './support/outside.js'

const load = createRequire(new URL('../src/driver/protocol.ts', import.meta.url))
const Encoder = load('kafkajs/src/protocol/encoder') as new () => { writeBuffer(data: Buffer): object }

const compact = (text: string): Buffer => Buffer.concat([Buffer.from([text.length + 1]), Buffer.from(text)])
const int32 = (value: number): Buffer => {
  const data = Buffer.alloc(4)
  data.writeInt32BE(value)
  return data
}

describe.skipIf(!brokers.wanted('kafka'))('a consumer group of another program', () => {
  const expectRefusal = async (topic: string): Promise<void> => {
    const { queue } = await open()
    const startedAt = Date.now()
    await expect(queue.subscribe(topic, () => {})).rejects.toMatchObject({
      code: 'MQ_OPERATION_FAILED',
      message: expect.stringContaining(`The consumer group ${topic}--g does not take this consumer`),
    })
    expect(Date.now() - startedAt).toBeLessThan(20_000)
  }

  it('that shares out in another way refuses a subscription, with the reason', { timeout: 60_000 }, async () => {
    const { queue } = await open()
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    const consumer = outsideClient(await shared('kafka')).consumer({ groupId: `${topic}--g` })
    onTestFinished(() => consumer.disconnect())
    await consumer.connect()
    await consumer.subscribe({ topic })
    let isIn = false
    consumer.on('consumer.group_join', () => {
      isIn = true
    })
    await consumer.run({ eachMessage: async () => {} })
    await until(() => isIn, { what: 'the other one to be in', timeoutMs: 20_000 })
    await expectRefusal(topic)
  })

  it('with the protocol of KIP-848 refuses a subscription, with the reason', { timeout: 60_000 }, async ({ skip }) => {
    const { version = '' } = await shared('kafka')
    skip(version.startsWith('3.'), 'Kafka has this protocol since version 4')
    const { queue } = await open()
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    const cluster = new Cluster({
      client: outsideClient(await shared('kafka')),
      requestTimeoutMs: 5_000,
      connectTimeoutMs: 5_000,
    })
    onTestFinished(() => cluster.close())
    const group = `${topic}--g`
    const coordinator = await cluster.coordinator(group)
    // ConsumerGroupHeartbeat in version 0, after the tags of its header.
    const heartbeat = Buffer.concat([
      Buffer.from([0]),
      compact(group),
      compact(''),
      int32(0),
      Buffer.from([0, 0]),
      int32(60_000),
      Buffer.from([2]),
      compact(topic),
      Buffer.from([0, 1, 0]),
    ])
    const errorCode = await cluster.request(coordinator, (broker) =>
      broker.connectionPool.send({
        request: {
          apiKey: 68,
          apiVersion: 0,
          apiName: 'ConsumerGroupHeartbeat',
          encode: async () => new Encoder().writeBuffer(heartbeat),
        } as never,
        // The tags of the header and the throttle time come first.
        response: { decode: async (data: Buffer) => data.readInt16BE(5), parse: async (code: never) => code },
      }),
    )
    expect(errorCode).toBe(0)
    await expectRefusal(topic)
  })
})

describe.skipIf(!brokers.owned('kafka'))('a topic that the cluster refuses to create', () => {
  let server: KafkaServer

  beforeAll(async () => {
    server = await kafka({ config: { 'default.replication.factor': '3' }, heapMb: 300 })
  })
  afterAll(async () => {
    await server?.stop()
  })

  it('is named in the error, with the text of the broker', async () => {
    const { queue } = await open({ url: server.url })
    const topic = newTopic()
    const text = (name: string) =>
      expect.stringMatching(new RegExp(`${name}.*replication factor.*INVALID_REPLICATION_FACTOR`, 'i'))
    await expect(queue.subscribe(topic, () => {})).rejects.toMatchObject({ message: text(topic) })
    await expect(queue.publish(topic, 1)).rejects.toMatchObject({ message: text(topic) })
  })
})

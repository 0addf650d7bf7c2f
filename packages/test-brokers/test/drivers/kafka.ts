import { randomUUID } from 'node:crypto'
import { type Admin, Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { type BrokerProxy, type KafkaServer, until } from '../../src/index.js'
import { type Conversation, type Driver, payload } from './driver.js'

export type KafkaAddress = Pick<KafkaServer | BrokerProxy, 'brokers'>

/** Disables retries, so that a lost connection is visible. */
export function kafkaClient(at: KafkaAddress, options: Partial<KafkaConfig> = {}): Kafka {
  return new Kafka({
    brokers: [...at.brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 3_000,
    requestTimeout: 30_000,
    retry: { retries: 0 },
    ...options,
  })
}

export async function withAdmin<T>(client: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = client.admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

/** Creates a topic with one partition, and waits until it has a leader. */
export async function createTopic(client: Kafka, topic: string): Promise<void> {
  await withAdmin(client, async (admin) => {
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
    await until(async () => (await admin.fetchTopicOffsets(topic)).length === 1, { what: `a leader of ${topic}` })
  })
}

export async function kafkaDriver(server: KafkaServer): Promise<Driver> {
  const topic = `writes.${randomUUID()}`
  const direct = kafkaClient(server, { retry: { retries: 5 } })
  await createTopic(direct, topic)
  const count = async (): Promise<number> => {
    const [partition] = await withAdmin(direct, (admin) => admin.fetchTopicOffsets(topic))
    return Number(partition?.high)
  }
  return {
    async open(at: KafkaServer | BrokerProxy): Promise<Conversation> {
      const producer = kafkaClient(at).producer({ allowAutoTopicCreation: false })
      await producer.connect()
      return {
        write: async (key, bytes = 10) =>
          void (await producer.send({ topic, acks: -1, messages: [{ key, value: payload(bytes) }] })),
        close: () => producer.disconnect(),
      }
    },
    count,
    async ids() {
      const expected = await count()
      const ids: string[] = []
      const consumer = direct.consumer({ groupId: randomUUID() })
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await consumer.run({ eachMessage: async ({ message }) => void ids.push(String(message.key)) })
      await until(() => ids.length >= expected, { what: `${expected} records of ${topic}`, timeoutMs: 20_000 })
      await consumer.disconnect()
      return new Set(ids)
    },
    close: async () => undefined,
  } as Driver
}

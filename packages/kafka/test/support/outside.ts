import type { Source } from '@mq/core'
import type { KafkaServer } from '@mq/test-brokers'
import { type Admin, Kafka, type KafkaConfig, logLevel, type Producer } from 'kafkajs'

export type KafkaAddress = Pick<KafkaServer, 'brokers' | 'sasl' | 'ca'>

/** A client that knows nothing of @mq. */
export function outsideClient({ brokers, sasl, ca }: KafkaAddress): Kafka {
  return new Kafka({
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 5_000,
    retry: { retries: 8 },
    ...(ca !== undefined && { ssl: { ca: [ca] } }),
    ...(sasl !== undefined && { sasl: sasl as NonNullable<KafkaConfig['sasl']> }),
  })
}

export async function withAdmin<T>(server: KafkaAddress, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = outsideClient(server).admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

export async function withProducer<T>(server: KafkaAddress, work: (producer: Producer) => Promise<T>): Promise<T> {
  const producer = outsideClient(server).producer({ allowAutoTopicCreation: false })
  await producer.connect()
  try {
    return await work(producer)
  } finally {
    await producer.disconnect()
  }
}

/** Deletes the topics of a group, as somebody would who clears up at the broker. */
export async function destroy(server: KafkaAddress, { topic, group }: Source): Promise<void> {
  await withAdmin(server, async (admin) => {
    const there = await admin.listTopics()
    const own = [topic, `${topic}---delay`, `${topic}--${group}---retry`, `${topic}--${group}---dead`]
    await admin.deleteTopics({ topics: own.filter((name) => there.includes(name)) })
  })
}

export async function publishForeign(server: KafkaAddress, topic: string, body: Uint8Array): Promise<void> {
  await withProducer(server, (producer) => producer.send({ topic, messages: [{ value: Buffer.from(body) }] }))
}

import { randomUUID } from 'node:crypto'
import { type Admin, Kafka, logLevel } from 'kafkajs'

/** As many as ours makes. */
export const partitions = 6

export const kafkaFor = (url: string): Kafka =>
  new Kafka({ brokers: [new URL(url).host], logLevel: logLevel.NOTHING, connectionTimeout: 10_000 })

/** A topic with a group whose offsets stand at its end, so that nothing published from now on is missed. */
export async function prepare(kafka: Kafka, topic: string): Promise<string> {
  const groupId = `bench-${randomUUID()}`
  const admin: Admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true })
  const offsets = Array.from({ length: partitions }, (_, partition) => ({ partition, offset: '0' }))
  await admin.setOffsets({ groupId, topic, partitions: offsets })
  await admin.disconnect()
  return groupId
}

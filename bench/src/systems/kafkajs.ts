import { type Admin, Kafka, logLevel } from 'kafkajs'

/** The number of partitions that ours creates. */
export const partitions = 6

export const kafkaFor = (url: string): Kafka =>
  new Kafka({ brokers: [new URL(url).host], logLevel: logLevel.NOTHING, connectionTimeout: 10_000 })

/**
 * Creates a topic, and a group whose offsets stand at the end of the topic, so that it misses no message published from now on. Returns
 * the name of the group. Creates nothing if both exist.
 */
export async function prepare(kafka: Kafka, topic: string, isPrepared: boolean): Promise<string> {
  const groupId = `bench-${topic}`
  if (isPrepared) return groupId
  const admin: Admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true })
  const offsets = Array.from({ length: partitions }, (_, partition) => ({ partition, offset: '0' }))
  await admin.setOffsets({ groupId, topic, partitions: offsets })
  await admin.disconnect()
  return groupId
}

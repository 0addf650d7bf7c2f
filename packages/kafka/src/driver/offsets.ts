import { byTopic, type Cluster, nameOf, type TopicPartition } from './cluster.js'
import type { Broker } from './kafkajs-types.js'
import { patiently } from './patience.js'
import { createErrorFromCode, errorCode } from './protocol.js'

type Edge = 'start' | 'end'

/** Returns the first or the next offset of each partition of the topics, by `nameOf`. Rejects if a topic does not exist. */
export const logOffsets = (
  cluster: Cluster,
  topics: readonly string[],
  edge: Edge,
): Promise<ReadonlyMap<string, number>> =>
  patiently(async () => {
    const partitions = await cluster.allPartitions(topics)
    const found = new Set(partitions.map(({ topic }) => topic))
    if (topics.some((topic) => !found.has(topic))) throw createErrorFromCode(errorCode.unknownTopic)
    return await listOffsets(cluster, partitions, edge)
  })

/** As `logOffsets`, but for single partitions: others of their topics may have no leader. */
export const partitionOffsets = (
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  edge: Edge,
): Promise<ReadonlyMap<string, number>> => patiently(() => listOffsets(cluster, partitions, edge))

/** Returns the first offset of a partition. */
export const logStart = async (cluster: Cluster, at: TopicPartition): Promise<number> =>
  (await partitionOffsets(cluster, [at], 'start')).get(nameOf(at)) ?? 0

async function listOffsets(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  edge: Edge,
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  const leaders = new Map<Broker, TopicPartition[]>()
  for (const { topic, partition } of partitions) {
    const leader = await cluster.leader(topic, partition)
    leaders.set(leader, [...(leaders.get(leader) ?? []), { topic, partition }])
  }
  for (const [leader, ofLeader] of leaders) {
    const request = {
      isolationLevel: 0,
      topics: [...byTopic(ofLeader)].map(([topic, ofTopic]) => ({
        topic,
        partitions: ofTopic.map(({ partition }) => ({ partition, timestamp: edge === 'start' ? -2 : -1 })),
      })),
    }
    const answer = await cluster
      .request(leader, (broker) => broker.listOffsets(request))
      .catch((error) => {
        for (const { topic } of partitions) cluster.forget(topic)
        throw error
      })
    for (const { topic, partitions: offsets } of answer.responses) {
      for (const { partition, offset } of offsets) found.set(nameOf({ topic, partition }), Number(offset))
    }
  }
  return found
}

export interface CommitAs {
  readonly groupId: string
  readonly memberId: string
  readonly generation: number
}

/** Returns the identity of a commit by no member. A group accepts such a commit only while it has no members. */
export const withoutMember = (groupId: string): CommitAs => ({ groupId, memberId: '', generation: -1 })

export interface PartitionOffset extends TopicPartition {
  readonly offset: number
  readonly metadata?: string | null
}

/** Commits once. Rejects if the group does not take it. */
export async function commitOffsets(
  cluster: Cluster,
  coordinator: Broker,
  as: CommitAs,
  offsets: readonly PartitionOffset[],
): Promise<void> {
  const topics = [...byTopic(offsets)].map(([topic, partitions]) => ({
    topic,
    partitions: partitions.map(({ partition, offset, metadata = null }) => ({
      partition,
      offset: String(offset),
      metadata,
    })),
  }))
  const { groupId, memberId, generation } = as
  await cluster.request(coordinator, (broker) =>
    broker.offsetCommit({ groupId, memberId, groupGenerationId: generation, topics }),
  )
}

export interface Committed {
  readonly offset: number
  /** The text that its owner committed beside the offset. */
  readonly metadata: string | null | undefined
}

/** Returns the offsets that the group has committed, by `nameOf`. Partitions without one are left out. */
export async function committedOffsets(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<string, Committed>> {
  // Kafka takes an empty list for all topics.
  if (partitions.length === 0) return new Map()
  const topics = [...byTopic(partitions)].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map(({ partition }) => ({ partition })),
  }))
  const answer = await withCoordinator(cluster, groupId, (coordinator) =>
    cluster.request(coordinator, (broker) => broker.offsetFetch({ groupId, topics })),
  )
  const found = new Map<string, Committed>()
  for (const { topic, partitions: offsets } of answer.responses) {
    for (const { partition, offset, metadata } of offsets) {
      if (Number(offset) >= 0) found.set(nameOf({ topic, partition }), { offset: Number(offset), metadata })
    }
  }
  return found
}

/** Sends requests to the group's coordinator, `patiently`. They must be requests that may be carried out twice. */
export const withCoordinator = <T>(
  cluster: Cluster,
  groupId: string,
  work: (coordinator: Broker) => Promise<T>,
): Promise<T> => patiently(async () => await work(await cluster.coordinator(groupId)))

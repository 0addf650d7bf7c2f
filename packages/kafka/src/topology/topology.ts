import { type GroupRef, MqError } from '@mq/core/adapter'
import type { Cluster } from '../driver/cluster.js'
import { patiently } from '../driver/patience.js'
import { createTopics, deleteTopics, type NewTopic } from '../driver/topics.js'
import type { Settings } from '../options.js'
import type { Names } from './names.js'
import { tiersMs } from './tiers.js'

/** The partitions of a group's dead-letter topic. */
export const deadPartition = { letters: 0, notes: 1 } as const

/** A busy cluster takes its time. */
const createTimeoutMs = 20_000

export interface TopologyOptions {
  readonly cluster: Cluster
  /** For what takes long: a broker answers the requests of one connection one after the other. Closed while not used. */
  readonly admin: Cluster
  readonly names: Names
  readonly settings: Settings
}

/** Which topics there are, and how one that is missing is made. */
export function createTopology({ cluster, admin, names, settings }: TopologyOptions) {
  let adminUses = 0
  /** How many partitions each has; what is under way is not begun twice. */
  const known = new Map<string, Promise<number>>()
  const plans = new Map<string, NewTopic>()

  function plan(topic: string, partitions: number, config: Readonly<Record<string, string>>): string {
    if (!plans.has(topic))
      plans.set(topic, { topic, partitions, replicationFactor: settings.replicationFactor, config })
    return topic
  }

  /** A message may have grown by its history, and a whole batch that cannot be read is kept as one. */
  const roomy = { 'max.message.bytes': String(2 * Math.max(settings.maxMessageBytes, 1024 * 1024)) }
  const kept = {
    ...roomy,
    // Delays are counted from when the broker had it.
    'message.timestamp.type': 'LogAppendTime',
    'cleanup.policy': 'delete',
    'retention.ms': String(settings.retryRetentionMs),
    'retention.bytes': '-1',
  }

  const topicsOf = {
    main: (topic: string): string => plan(names.topic(topic), settings.partitions, settings.topicConfig),
    delay: (topic: string): string => plan(names.delay(topic), 1, kept),
    retry: (ref: GroupRef): string => plan(names.retry(ref), tiersMs.length, kept),
    dead: (ref: GroupRef): string =>
      plan(names.dead(ref), 2, { ...roomy, 'cleanup.policy': 'compact', 'segment.ms': String(24 * 60 * 60 * 1000) }),
  }

  async function withAdmin(work: () => Promise<void>): Promise<void> {
    adminUses += 1
    try {
      await patiently(work)
    } finally {
      adminUses -= 1
      if (adminUses === 0) admin.disconnect()
    }
  }

  async function find(topic: string): Promise<number> {
    const there = await cluster.partitionsOf(topic, { fresh: true })
    if (there !== undefined && there.length > 0) return there.length
    const missing = plans.get(topic)
    if (missing === undefined || !settings.createTopics) throw missingTopics([topic])
    await withAdmin(() => createTopics(admin, [missing], { timeoutMs: createTimeoutMs }))
    return (await cluster.partitionsOf(topic, { fresh: true }))?.length ?? missing.partitions
  }

  function ensure(topic: string): Promise<number> {
    const found = known.get(topic)
    if (found !== undefined) return found
    const finding = find(topic)
    known.set(topic, finding)
    finding.catch(() => known.delete(topic))
    return finding
  }

  return {
    topicsOf,
    /** How many partitions it has. Creates it where that is allowed, and rejects with `MQ_TOPIC_MISSING` where not. */
    ensure,
    /** As `ensure`, with one request for all that have to be created, and one error for all that are missing. */
    async ensureAll(topics: readonly string[]): Promise<void> {
      const unknown = topics.filter((topic) => !known.has(topic))
      const counts = await Promise.all(unknown.map((topic) => cluster.partitionsOf(topic, { fresh: true })))
      const missing = unknown.filter((_, index) => counts[index] === undefined)
      const planned = missing.map((topic) => plans.get(topic)).filter((one) => one !== undefined)
      if (planned.length < missing.length || (missing.length > 0 && !settings.createTopics))
        throw missingTopics(missing)
      if (planned.length > 0) await withAdmin(() => createTopics(admin, planned, { timeoutMs: createTimeoutMs }))
      await Promise.all(topics.map(ensure))
    },
    /** Undefined for a topic that does not exist. */
    count: async (topic: string): Promise<number | undefined> =>
      (await cluster.partitionsOf(topic, { fresh: true }))?.length,
    forget(topic: string): void {
      known.delete(topic)
      cluster.forget(topic)
    },
    async remove(topics: readonly string[]): Promise<void> {
      for (const topic of topics) known.delete(topic)
      await withAdmin(() => deleteTopics(admin, topics, { timeoutMs: createTimeoutMs }))
      for (const topic of topics) {
        known.delete(topic)
        cluster.forget(topic)
      }
    },
  }
}

export type Topology = ReturnType<typeof createTopology>

const missingTopics = (topics: readonly string[]): MqError =>
  new MqError(
    'MQ_TOPIC_MISSING',
    `${topics.length === 1 ? 'A topic is' : 'Topics are'} missing at Kafka, and createTopics is false: ${topics.join(', ')}`,
  )

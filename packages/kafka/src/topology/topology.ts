import { type AdapterEvent, MqError, namesakeError, type TargetRef } from '@mq/core/adapter'
import type { Cluster } from '../driver/cluster.js'
import { patiently } from '../driver/patience.js'
import { createTopics, deleteTopics, type NewTopic } from '../driver/topics.js'
import type { Settings } from '../options.js'
import { foreignTopicMissing, foreignTopicName } from './foreign.js'
import { createPlans, type Names, type TopicKind } from './plans.js'

const createTimeoutMs = 20_000

export interface TopologyOptions {
  readonly cluster: Cluster
  /** The connection for slow requests, which would hold up others on theirs. It is disconnected while it is not used. */
  readonly admin: Cluster
  readonly names: Names
  readonly settings: Settings
  readonly report: (event: AdapterEvent) => void
}

/** Knows which topics exist, and creates those that are missing. */
export function createTopology({ cluster, admin, names, settings, report }: TopologyOptions) {
  const plans = createPlans(names, settings)
  /** The number of partitions of each topic. Callers that ask at the same time share a promise. */
  const known = new Map<string, Promise<number>>()
  let adminUses = 0

  async function withAdmin(work: () => Promise<void>): Promise<void> {
    adminUses += 1
    try {
      await patiently(work)
    } finally {
      adminUses -= 1
      if (adminUses === 0) admin.disconnect()
    }
  }

  async function create(topics: readonly NewTopic[]): Promise<void> {
    await withAdmin(() => createTopics(admin, topics, { timeoutMs: createTimeoutMs }))
    for (const { topic } of topics) await warnOfNamesake(topic).catch(() => {})
  }

  /** Reports a topic that has the plain name of a topic that is new here, because it may be the one that was meant. */
  async function warnOfNamesake(created: string): Promise<void> {
    const topic = plans.plainName(created)
    // With a prefix, the other one is most likely a topic of ours without it.
    if (topic === undefined || settings.prefix !== undefined || topic === created || (await count(topic)) === undefined)
      return
    report({ type: 'error', error: namesakeError(topic, created), topic })
  }

  const count = async (topic: string): Promise<number | undefined> =>
    (await cluster.partitionsOf(topic, { fresh: true }))?.length

  async function find(topic: string): Promise<number> {
    const existing = await count(topic)
    if (existing !== undefined && existing > 0) return existing
    const planned = plans.find(topic)
    if (planned === undefined || !settings.createTopics) throw missingTopics([topic], plans.plainName)
    await create([planned])
    return (await count(topic)) ?? planned.partitions
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
    plan: plans.plan,
    /**
     * Resolves with the number of partitions. Creates the topic if it is missing and planned. Rejects with `MQ_TOPIC_MISSING` if that
     * is not allowed.
     */
    ensure,
    /** As `ensure`, with one request for all topics that are to be created, and one error for all that are missing. */
    async ensureAll(topics: readonly string[]): Promise<void> {
      const unknown = topics.filter((topic) => !known.has(topic))
      const counts = await Promise.all(unknown.map(count))
      const missing = unknown.filter((_, index) => counts[index] === undefined)
      const planned = missing.map((topic) => plans.find(topic)).filter((one) => one !== undefined)
      if (planned.length < missing.length || (missing.length > 0 && !settings.createTopics))
        throw missingTopics(missing, plans.plainName)
      if (planned.length > 0) await create(planned)
      await Promise.all(topics.map(ensure))
    },
    /** Resolves if a topic that other programs own is there. A broker that has just started may not know it for a moment. */
    async requireForeign(topic: string): Promise<void> {
      if ((await cluster.confirmedPartitionsOf(topic)) === undefined) throw foreignTopicMissing(topic)
    },
    /** Resolves with the number of partitions, or with undefined for a topic that does not exist. */
    count,
    /** Makes the next `ensure` look again. */
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

/** The topics of a group, by what they hold. */
export interface GroupTopics {
  readonly main: string
  /** Undefined if other programs own `main`. Nobody delays messages there. */
  readonly delay: string | undefined
  readonly retry: string
  readonly dead: string
}

export function planGroup({ plan }: Topology, ref: TargetRef): GroupTopics {
  const own = { retry: plan.retry(ref), dead: plan.dead(ref) }
  if (ref.at !== undefined) return { main: foreignTopicName(ref.at), delay: undefined, ...own }
  return { main: plan.main(ref.topic), delay: plan.delay(ref.topic), ...own }
}

/** Returns the topics that a consumer of the group reads. An ephemeral consumer has no retries. */
export function kindsOf({ main, delay, retry }: GroupTopics, { ephemeral }: { readonly ephemeral: boolean }) {
  const kinds = new Map<string, TopicKind>([[main, 'main']])
  if (delay !== undefined) kinds.set(delay, 'delay')
  if (!ephemeral) kinds.set(retry, 'retry')
  return kinds
}

function missingTopics(topics: readonly string[], plainName: (topic: string) => string | undefined): MqError {
  const what = topics.length === 1 ? 'A topic is' : 'Topics are'
  const text = `${what} missing at Kafka, and createTopics is false: ${topics.join(', ')}`
  const other = topics.map(plainName).find((plain) => plain !== undefined && !topics.includes(plain))
  const hint = other === undefined ? '' : `. To read a Kafka topic that is called '${other}', use defineForeignTopic`
  return new MqError('MQ_TOPIC_MISSING', text + hint)
}

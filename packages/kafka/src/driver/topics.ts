import { setTimeout as sleep } from 'node:timers/promises'
import { backoff } from '@mq/core/adapter'
import type { Cluster } from './cluster.js'
import { isUnknownTopic } from './errors.js'
import { ask, createErrorFromCode } from './protocol.js'

export interface NewTopic {
  readonly topic: string
  readonly partitions: number
  /** -1 for the broker's default. */
  readonly replicationFactor: number
  readonly config: Readonly<Record<string, string>>
}

interface TimeLimit {
  readonly timeoutMs: number
}

/** Creates topics, and leaves those that exist as they are. Resolves once every partition has a leader. */
export async function createTopics(
  cluster: Cluster,
  topics: readonly NewTopic[],
  { timeoutMs }: TimeLimit,
): Promise<void> {
  const request = topics.map(({ topic, partitions, replicationFactor, config }) => ({
    topic,
    numPartitions: partitions,
    replicationFactor,
    configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
  }))
  const controller = await cluster.controller()
  const { topicErrors } = await cluster.request(
    controller,
    (broker) => ask<CreateAnswer>(broker, 'CreateTopics', { topics: request, validateOnly: false, timeout: timeoutMs }),
    timeoutMs,
  )
  for (const one of topicErrors) throwUnlessExisting(one)
  const endsAt = performance.now() + timeoutMs
  for (const { topic } of topics) {
    await untilTrue(() => hasLeaders(cluster, topic), {
      endsAt,
      late: () => new Error(`The topic ${topic} has no leader after ${timeoutMs} ms`),
    })
  }
}

/** Deletes topics, and passes over those that do not exist. Resolves once the cluster has forgotten them. */
export async function deleteTopics(
  cluster: Cluster,
  topics: readonly string[],
  { timeoutMs }: TimeLimit,
): Promise<void> {
  const endsAt = performance.now() + timeoutMs
  for (const topic of topics) {
    const controller = await cluster.controller()
    await cluster
      .request(controller, (broker) => broker.deleteTopics({ topics: [topic], timeout: timeoutMs }), timeoutMs)
      .catch((error) => {
        if (!isUnknownTopic(error)) throw error
      })
    await untilTrue(async () => (await cluster.partitionsOf(topic, { fresh: true })) === undefined, {
      endsAt,
      late: () => new Error(`The topic ${topic} is still there after ${timeoutMs} ms`),
    })
  }
}

async function hasLeaders(cluster: Cluster, topic: string): Promise<boolean> {
  const partitions = await cluster.partitionsOf(topic, { fresh: true })
  return partitions?.every(({ leader }) => leader >= 0) ?? false
}

/** The answer has the broker's own text, such as that of a policy. kafkajs leaves it out of its errors. */
interface CreateAnswer {
  readonly topicErrors: readonly {
    readonly topic: string
    readonly errorCode: number
    readonly errorMessage?: string | null
  }[]
}

function throwUnlessExisting({ topic, errorCode, errorMessage }: CreateAnswer['topicErrors'][number]): void {
  if (errorCode === 0) return
  const cause = createErrorFromCode(errorCode)
  const { type } = cause
  if (type === 'TOPIC_ALREADY_EXISTS') return
  const text = `The topic ${topic} cannot be created: ${errorMessage || cause.message} (${type})`
  throw Object.assign(new Error(text, { cause }), { type })
}

async function untilTrue(
  condition: () => Promise<boolean>,
  { endsAt, late }: { readonly endsAt: number; readonly late: () => Error },
): Promise<void> {
  const pauses = backoff({ minMs: 10, maxMs: 200 })
  while (!(await condition())) {
    if (performance.now() > endsAt) throw late()
    await sleep(pauses.next())
  }
}

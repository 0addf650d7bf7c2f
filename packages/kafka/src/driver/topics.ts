import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from './cluster.js'
import { errorType, isUnknownTopic } from './errors.js'

export interface NewTopic {
  readonly topic: string
  readonly partitions: number
  /** -1 for the broker's default. */
  readonly replicationFactor: number
  readonly config: Readonly<Record<string, string>>
}

/** A topic that is there is left as it is. Resolves once every partition has a leader. */
export async function createTopics(
  cluster: Cluster,
  topics: readonly NewTopic[],
  options: { readonly timeoutMs: number },
): Promise<void> {
  const request = topics.map(({ topic, partitions, replicationFactor, config }) => ({
    topic,
    numPartitions: partitions,
    replicationFactor,
    configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
  }))
  const controller = await cluster.controller()
  await cluster
    .request(
      controller,
      (broker) => broker.createTopics({ topics: request, timeout: options.timeoutMs }),
      options.timeoutMs,
    )
    .catch(tolerateExisting)
  const endsAt = Date.now() + options.timeoutMs
  for (const { topic } of topics) {
    for (let pauseMs = 10; !(await hasLeaders(cluster, topic)); pauseMs = Math.min(2 * pauseMs, 200)) {
      if (Date.now() > endsAt) throw new Error(`The topic ${topic} has no leader after ${options.timeoutMs} ms`)
      await sleep(pauseMs)
    }
  }
}

async function hasLeaders(cluster: Cluster, topic: string): Promise<boolean> {
  const partitions = await cluster.partitionsOf(topic, { fresh: true })
  return partitions?.every(({ leader }) => leader >= 0) ?? false
}

/** One refusal for each topic comes as a list of errors. */
function tolerateExisting(error: Error & { readonly errors?: readonly Error[] }): void {
  const real = (error.errors ?? [error]).find((one) => errorType(one) !== 'TOPIC_ALREADY_EXISTS')
  if (real !== undefined) throw real
}

/** A topic that is not there is passed over. Resolves once the cluster has forgotten it. */
export async function deleteTopics(
  cluster: Cluster,
  topics: readonly string[],
  options: { readonly timeoutMs: number },
): Promise<void> {
  const endsAt = Date.now() + options.timeoutMs
  for (const topic of topics) {
    const controller = await cluster.controller()
    await cluster
      .request(
        controller,
        (broker) => broker.deleteTopics({ topics: [topic], timeout: options.timeoutMs }),
        options.timeoutMs,
      )
      .catch((error) => {
        if (!isUnknownTopic(error)) throw error
      })
    for (let pauseMs = 10; (await cluster.partitionsOf(topic, { fresh: true })) !== undefined; pauseMs *= 2) {
      if (Date.now() > endsAt) throw new Error(`The topic ${topic} is still there after ${options.timeoutMs} ms`)
      await sleep(Math.min(pauseMs, 200))
    }
  }
}

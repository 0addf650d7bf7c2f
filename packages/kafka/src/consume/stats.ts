import { type StoredStats, type TargetRef, unknownStats } from '@mq/core/adapter'
import { type Cluster, nameOf, type TopicPartition } from '../driver/cluster.js'
import { committedOffsets, logOffsets } from '../driver/offsets.js'
import type { Names } from '../topology/plans.js'
import { tierFor } from '../topology/tiers.js'
import { planGroup, type Topology } from '../topology/topology.js'
import { decodeProgress } from '../wire/progress.js'

export interface StatsContext {
  readonly cluster: Cluster
  readonly topology: Topology
  readonly names: Names
  readonly countDead: () => Promise<number>
}

/**
 * Reads the statistics of a group: from the ends of the logs, and from the progress that owners of partitions commit, which is some
 * moments old at most.
 *
 * See docs/decisions/0023-kafka-done-beside-the-offset.md.
 */
export async function statsOf(ref: TargetRef, context: StatsContext): Promise<StoredStats> {
  const { cluster, topology, names } = context
  const { main, delay, retry } = planGroup(topology, ref)
  const logs = delay === undefined ? [main, retry] : [main, delay, retry]
  const partitions = await cluster.allPartitions(logs, { fresh: true })
  const dead = await context.countDead()
  const committed = await committedOffsets(cluster, names.group(ref), partitions)
  // The group was never declared, or it was deleted.
  if (committed.size === 0) return dead === 0 ? unknownStats : { ...unknownStats, dead }
  const topics = [...new Set(partitions.map(({ topic }) => topic))]
  const [starts, ends] = [await logOffsets(cluster, topics, 'start'), await logOffsets(cluster, topics, 'end')]
  const counted = (of: (at: TopicPartition) => boolean) => {
    let [waiting, running] = [0, 0]
    for (const at of partitions.filter(of)) {
      const found = committed.get(nameOf(at))
      const start = starts.get(nameOf(at)) ?? 0
      const progress = decodeProgress(
        Math.max(start, found?.offset ?? start),
        found?.metadata,
        cluster.identityOf(at.topic),
      )
      const open = Math.max(0, (ends.get(nameOf(at)) ?? 0) - progress.offset - progress.doneCount)
      running += Math.min(open, progress.running)
      waiting += Math.max(0, open - progress.running)
    }
    return { waiting, running }
  }
  // Messages that are replayed, or due within a second, are in the first partition of the retry topic.
  const isReady = ({ topic, partition }: TopicPartition): boolean =>
    topic === main || (topic === retry && partition === tierFor(0))
  const [ready, delayed] = [counted(isReady), counted((at) => !isReady(at))]
  // Copies of delayed messages wait among the retries, so both are one number.
  return { ready: ready.waiting, inFlight: ready.running + delayed.running, delayed: delayed.waiting, dead }
}

import type { QueueStats, TargetRef } from '@mq/core/adapter'
import { type Cluster, nameOf } from '../driver/cluster.js'
import { committedOffsets, logOffsets } from '../driver/offsets.js'
import type { Names } from '../topology/plans.js'
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
export async function statsOf(ref: TargetRef, context: StatsContext): Promise<QueueStats> {
  const { cluster, topology, names } = context
  const { main, delay, retry } = planGroup(topology, ref)
  const waits = { ready: [main], delayed: delay === undefined ? [retry] : [delay, retry] }
  const partitions = await cluster.allPartitions([...waits.ready, ...waits.delayed], { fresh: true })
  const dead = await context.countDead()
  const committed = await committedOffsets(cluster, names.group(ref), partitions)
  // Nothing waits for a group that was never declared.
  if (committed.size === 0) return { ready: 0, inFlight: 0, delayed: 0, dead }
  const topics = [...new Set(partitions.map(({ topic }) => topic))]
  const [starts, ends] = [await logOffsets(cluster, topics, 'start'), await logOffsets(cluster, topics, 'end')]
  const counted = (names: readonly string[]) => {
    let [waiting, running] = [0, 0]
    for (const at of partitions.filter(({ topic }) => names.includes(topic))) {
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
  const [ready, delayed] = [counted(waits.ready), counted(waits.delayed)]
  return { ready: ready.waiting, inFlight: ready.running + delayed.running, delayed: delayed.waiting, dead }
}

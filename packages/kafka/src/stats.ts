import type { QueueStats, Source } from '@mq/core'
import type { Cluster } from './driver/cluster.js'
import { committedOffsets, logOffsets } from './driver/offsets.js'
import { nameOf, type TopicPartition } from './driver/requests.js'
import type { Names } from './names.js'
import type { Topology } from './topology.js'
import type { Tracker } from './tracker.js'

export interface StatsContext {
  readonly cluster: Cluster
  readonly topology: Topology
  readonly names: Names
  /** What this process has in hand of the group. */
  readonly trackers: readonly Tracker[]
  readonly countDead: () => Promise<number>
}

/** Differences of offsets: exact, but for what other processes have in hand and for gaps that transactions leave. */
export async function statsOf(source: Source, context: StatsContext): Promise<QueueStats> {
  const { cluster, topology, names } = context
  const { main, delay, retry } = topology.topicsOf
  const waits = { ready: [main(source.topic)], delayed: [delay(source.topic), retry(source)] }
  const partitions: TopicPartition[] = []
  for (const topic of [...waits.ready, ...waits.delayed]) {
    for (const { partition } of (await cluster.partitionsOf(topic, { fresh: true })) ?? []) {
      partitions.push({ topic, partition })
    }
  }
  const dead = await context.countDead()
  const committed = await committedOffsets(cluster, names.group(source), partitions)
  // A group that was never declared has nothing waiting.
  if (committed.size === 0) return { ready: 0, inFlight: undefined, delayed: 0, dead }
  const topics = [...new Set(partitions.map(({ topic }) => topic))]
  const [starts, ends] = [await logOffsets(cluster, topics, 'start'), await logOffsets(cluster, topics, 'end')]
  const own = new Map(context.trackers.map((tracker) => [nameOf(tracker), tracker]))
  const waitingIn = (names: readonly string[]): number => {
    let waiting = 0
    for (const at of partitions.filter(({ topic }) => names.includes(topic))) {
      const end = ends.get(nameOf(at)) ?? 0
      const tracker = own.get(nameOf(at))
      if (tracker !== undefined) waiting += Math.max(0, end - tracker.position) + tracker.unstarted
      else waiting += end - (committed.get(nameOf(at)) ?? starts.get(nameOf(at)) ?? end)
    }
    return waiting
  }
  return { ready: waitingIn(waits.ready), inFlight: undefined, delayed: waitingIn(waits.delayed), dead }
}

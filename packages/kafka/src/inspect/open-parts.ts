import type { TargetRef } from '@mq/core/adapter'
import { type Cluster, nameOf } from '../driver/cluster.js'
import type { LogPart } from '../driver/log-scan.js'
import { committedOffsets, logOffsets } from '../driver/offsets.js'
import type { StandingChanges } from '../topology/change-notes.js'
import type { Names, TopicKind } from '../topology/plans.js'
import { tierFor } from '../topology/tiers.js'
import { planGroup, type Topology } from '../topology/topology.js'
import { decodeProgress, type Progress, withDone } from '../wire/progress.js'
import { standingChanges } from './changes-log.js'

export interface InspectContext {
  readonly cluster: Cluster
  readonly topology: Topology
  readonly names: Names
}

/** The part of one partition that a group has not finished, as far as its owner has committed. */
export interface OpenPart extends LogPart {
  readonly kind: TopicKind
  /** True if all that it holds may be handled now, or within a second. */
  readonly isReady: boolean
  readonly progress: Progress
  /** How many of its records are being handled. Which ones is not known at the broker. */
  readonly running: number
  /** How many of its records are neither finished nor being handled. */
  readonly waiting: number
}

/**
 * Returns the part of each partition that a group has not finished. It follows from the ends of the logs, and from the progress that
 * owners of partitions commit, which is some moments old at most. Undefined for a group that was never declared, or that was deleted.
 * What is to be removed as soon as the group has a consumer counts as finished. `given` are these changes. Default: those in the notes.
 *
 * See docs/decisions/0023-kafka-done-beside-the-offset.md.
 */
export async function openParts(
  ref: TargetRef,
  context: InspectContext,
  given?: StandingChanges,
): Promise<readonly OpenPart[] | undefined> {
  const { cluster, topology, names } = context
  const { main, delay, retry, dead } = planGroup(topology, ref)
  const logs = delay === undefined ? [main, retry] : [main, delay, retry]
  const partitions = await cluster.allPartitions(logs, { fresh: true })
  const committed = await committedOffsets(cluster, names.group(ref), partitions)
  if (committed.size === 0) return undefined
  const standing = given ?? (await standingChanges(cluster, dead))
  const topics = [...new Set(partitions.map(({ topic }) => topic))]
  const [starts, ends] = [await logOffsets(cluster, topics, 'start'), await logOffsets(cluster, topics, 'end')]
  return partitions.map(({ topic, partition }) => {
    const name = nameOf({ topic, partition })
    const found = committed.get(name)
    const start = starts.get(name) ?? 0
    const from = Math.max(start, found?.offset ?? start)
    const identity = cluster.identityOf(topic)
    const removed = standing.removedIn({ topic, partition }, identity)
    const progress = withDone(decodeProgress(from, found?.metadata, identity), removed)
    const end = Math.max(from, ends.get(name) ?? 0)
    const open = Math.max(0, end - from - progress.doneCount)
    const running = Math.min(open, progress.running)
    const kind = topic === main ? 'main' : topic === retry ? 'retry' : 'delay'
    // Messages that are replayed, or due within a second, are in the first partition of the retry topic.
    const isReady = kind === 'main' || (kind === 'retry' && partition === tierFor(0))
    return { topic, partition, kind, isReady, progress, from, end, running, waiting: open - running }
  })
}

import type { Cluster } from '../driver/cluster.js'
import { nameOf, type TopicPartition } from '../driver/cluster.js'
import { committedOffsets, partitionOffsets } from '../driver/offsets.js'
import { decodeProgress, type Progress } from '../wire/progress.js'
import type { TopicKind } from './tracker.js'

export interface StartPoints {
  readonly points: readonly { readonly at: TopicPartition; readonly progress: Progress }[]
  /** True if the offsets of the group have expired at the broker. */
  readonly isExpired: boolean
}

/** Finds where a group goes on in partitions: where the owner before left off, or else at their beginning. */
export async function findStartPoints(
  partitions: readonly TopicPartition[],
  {
    cluster,
    groupId,
    kinds,
  }: { readonly cluster: Cluster; readonly groupId: string; readonly kinds: ReadonlyMap<string, TopicKind> },
): Promise<StartPoints> {
  const all = await cluster.allPartitions([...kinds.keys()])
  // The partitions may include some that were added since.
  const known = new Map([...all, ...partitions].map((at) => [nameOf(at), at]))
  const committed = await committedOffsets(cluster, groupId, [...known.values()])
  const unread = partitions.filter((at) => !committed.has(nameOf(at)))
  const starts = await partitionOffsets(cluster, unread, 'start')
  const points = partitions.map((at) => {
    const found = committed.get(nameOf(at))
    const offset = found?.offset ?? starts.get(nameOf(at)) ?? 0
    return { at, progress: decodeProgress(offset, found?.metadata) }
  })
  // Declaring a group commits an offset for each partition. If there is none left, they have expired.
  const isExpired = !all.some((at) => kinds.get(at.topic) === 'main' && committed.has(nameOf(at)))
  return { points, isExpired }
}

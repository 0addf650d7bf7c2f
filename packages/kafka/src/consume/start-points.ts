import { type Cluster, nameOf, type TopicPartition } from '../driver/cluster.js'
import { committedOffsets, partitionOffsets } from '../driver/offsets.js'
import type { TopicKind } from '../topology/plans.js'
import { decodeProgress, isOfDeletedTopic, type Progress } from '../wire/progress.js'

/** The point at which the reading of a partition begins. */
export interface StartPoint {
  readonly progress: Progress
  /** See `Cluster.identityOf`. */
  readonly identity?: string | undefined
}

export interface StartPoints {
  readonly points: readonly (StartPoint & { readonly at: TopicPartition })[]
  /** The topics that were deleted and created again since the group has committed. */
  readonly replaced: ReadonlySet<string>
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
  const isReplaced = (at: TopicPartition): boolean => {
    const found = committed.get(nameOf(at))
    return found !== undefined && isOfDeletedTopic(found.offset, found.metadata, cluster.identityOf(at.topic))
  }
  const replaced = new Set(partitions.filter(isReplaced).map(({ topic }) => topic))
  const unread = partitions.filter((at) => !committed.has(nameOf(at)) || replaced.has(at.topic))
  const starts = await partitionOffsets(cluster, unread, 'start')
  const points = partitions.map((at) => {
    const identity = cluster.identityOf(at.topic)
    const found = replaced.has(at.topic) ? undefined : committed.get(nameOf(at))
    const offset = found?.offset ?? starts.get(nameOf(at)) ?? 0
    return { at, progress: decodeProgress(offset, found?.metadata, identity), identity }
  })
  // Declaring a group commits an offset for each partition. If there is none left, they have expired.
  const isExpired = !all.some((at) => kinds.get(at.topic) === 'main' && committed.has(nameOf(at)))
  return { points, replaced, isExpired }
}

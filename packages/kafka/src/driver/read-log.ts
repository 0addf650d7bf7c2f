import type { Cluster, TopicPartition } from './cluster.js'
import { errorType } from './errors.js'
import { logStart } from './offsets.js'
import { patiently } from './patience.js'
import { type KafkaRecord, unreadableError } from './records/record-batch.js'
import { fetch, type PartitionFetch, type PartitionRead } from './requests.js'

/**
 * Calls `each` for the records that a partition has now, the oldest first, until `each` returns false. A batch that cannot be read is one
 * record. See `requireReadable`. `first` is the offset to begin with. Default: the oldest one.
 */
export async function readLog(
  cluster: Cluster,
  { topic, partition }: TopicPartition,
  each: (record: KafkaRecord) => boolean | undefined,
  first = 0,
): Promise<void> {
  let from = first
  let end: number | undefined
  do {
    const read = await patiently(() => readOnce(cluster, { topic, partition, from }))
    if (read.error !== undefined) {
      // The beginning of the log was removed.
      from = await logStart(cluster, { topic, partition })
      continue
    }
    end ??= read.end
    for (const record of read.records) {
      if (record.offset >= end) break
      if (each(record) === false) return
    }
    // Nothing is left to read before the end if compaction removed the last records.
    from = read.nextOffset ?? end
  } while (end === undefined || from < end)
}

/** Throws if a record cannot be read, for logs whose rest has no meaning without it. */
export function requireReadable({ topic }: TopicPartition, { offset, unreadable }: KafkaRecord): void {
  if (unreadable !== undefined) throw unreadableError(topic, { offset, cause: unreadable.cause })
}

/** Throws every error except that the offset is out of range, which it returns. */
async function readOnce(cluster: Cluster, at: PartitionFetch): Promise<PartitionRead> {
  const leader = await cluster.leader(at.topic, at.partition)
  const [read] = await fetch(cluster, leader, [at], limits)
  if (read === undefined) throw new Error(`Nothing was answered about ${at.topic}`)
  if (read.error === undefined || errorType(read.error) === 'OFFSET_OUT_OF_RANGE') return read
  cluster.forget(at.topic)
  throw read.error
}

const limits = { maxWaitMs: 0, maxBytes: 10 * 1024 * 1024, maxPartitionBytes: 10 * 1024 * 1024 }

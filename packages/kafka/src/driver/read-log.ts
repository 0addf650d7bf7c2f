import type { Cluster } from './cluster.js'
import { errorType } from './errors.js'
import { logStart } from './offsets.js'
import { patiently } from './patience.js'
import type { KafkaRecord } from './record-batch.js'
import { fetch, type PartitionFetch, type PartitionRead, type TopicPartition } from './requests.js'

/** Calls `each` for every record that is in the partition when it begins, the oldest first, until it returns false. */
export async function readLog(
  cluster: Cluster,
  { topic, partition }: TopicPartition,
  each: (record: KafkaRecord) => boolean | undefined,
): Promise<void> {
  let from = 0
  let end: number | undefined
  do {
    const read = await patiently(() => readOnce(cluster, { topic, partition, from }))
    if (read.error !== undefined) {
      // The beginning of the log was removed.
      from = await logStart(cluster, { topic, partition })
      continue
    }
    end ??= read.end
    for (const record of read.records) if (record.offset < end && each(record) === false) return
    // What compaction removed last leaves nothing to read before the end.
    from = read.nextOffset ?? end
  } while (end === undefined || from < end)
}

/** Its error is that the offset is out of range; all others are thrown. */
async function readOnce(cluster: Cluster, at: PartitionFetch): Promise<PartitionRead> {
  const leader = await cluster.leader(at.topic, at.partition)
  const [read] = await fetch(cluster, leader, [at], limits)
  if (read === undefined) throw new Error(`Nothing was answered about ${at.topic}`)
  if (read.error === undefined || errorType(read.error) === 'OFFSET_OUT_OF_RANGE') return read
  cluster.forget(at.topic)
  throw read.error
}

const limits = { maxWaitMs: 0, maxBytes: 10 * 1024 * 1024, maxPartitionBytes: 10 * 1024 * 1024 }

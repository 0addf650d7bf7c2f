import type { Cluster } from './cluster.js'
import { errorType } from './errors.js'
import { logOffsets } from './offsets.js'
import type { KafkaRecord } from './record-batch.js'
import { fetch, nameOf, type TopicPartition } from './requests.js'

/** Calls `each` for every record that is in the partition when it begins, the oldest first, until it returns false. */
export async function readLog(
  cluster: Cluster,
  { topic, partition }: TopicPartition,
  each: (record: KafkaRecord) => boolean | undefined,
): Promise<void> {
  let from = 0
  let end: number | undefined
  do {
    const leader = await cluster.leader(topic, partition)
    const [read] = await fetch(cluster, leader, [{ topic, partition, from }], {
      maxWaitMs: 0,
      maxBytes: 10 * 1024 * 1024,
      maxPartitionBytes: 10 * 1024 * 1024,
    })
    if (read === undefined) throw new Error(`Nothing was answered about ${topic}`)
    if (read.error !== undefined) {
      if (errorType(read.error) !== 'OFFSET_OUT_OF_RANGE') {
        cluster.forget(topic)
        throw read.error
      }
      // The beginning of the log was removed.
      from = (await logOffsets(cluster, [topic], 'start')).get(nameOf({ topic, partition })) ?? 0
      continue
    }
    end ??= read.end
    for (const record of read.records) if (record.offset < end && each(record) === false) return
    // What compaction removed last leaves nothing to read before the end.
    from = read.nextOffset ?? end
  } while (end === undefined || from < end)
}

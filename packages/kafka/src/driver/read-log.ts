import type { Cluster, TopicPartition } from './cluster.js'
import { errorType } from './errors.js'
import { logStart } from './offsets.js'
import { patiently } from './patience.js'
import type { KafkaRecord } from './records/record-batch.js'
import { producerCompression } from './records/record-batch.js'
import { MissingCodecError } from './records/unpack.js'
import { fetch, type PartitionFetch, type PartitionRead } from './requests.js'

/**
 * Calls `each` for the records that a partition has now, the oldest first, until `each` returns false. Rejects if there is one that
 * cannot be read, because the rest has no meaning without it.
 */
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
    for (const record of read.records) {
      if (record.offset >= end) break
      if (record.unreadable !== undefined) throw unreadableLog({ topic, partition }, record)
      if (each(record) === false) return
    }
    // Nothing is left to read before the end if compaction removed the last records.
    from = read.nextOffset ?? end
  } while (end === undefined || from < end)
}

function unreadableLog({ topic }: TopicPartition, { offset, unreadable }: KafkaRecord): Error {
  const hint = unreadable?.cause instanceof MissingCodecError ? `. ${producerCompression(topic)}` : ''
  return new Error(`The record ${offset} of ${topic} cannot be read: ${unreadable?.cause.message}${hint}`, {
    cause: unreadable?.cause,
  })
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

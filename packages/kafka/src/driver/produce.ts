import type { Cluster, TopicPartition } from './cluster.js'
import { isStaleLeader } from './errors.js'
import { askToProduce } from './protocol.js'
import { type OutgoingRecord, writeBatch } from './records/record-writer.js'

/** How batches are compressed. */
export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

const compressionTypes: Readonly<Record<Compression, number>> = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 }

/**
 * Writes one batch to one partition, and resolves when all in-sync replicas have it. Does not try again: a rejection with
 * `LinkError.unsent` false means that the records may have been written.
 */
export async function produce(
  cluster: Cluster,
  target: TopicPartition,
  records: readonly OutgoingRecord[],
  options: { readonly compression: Compression; readonly timeoutMs: number },
): Promise<void> {
  const { topic, partition } = target
  const broker = await cluster.leader(topic, partition)
  const batch = await writeBatch(records, compressionTypes[options.compression])
  try {
    await cluster.request(broker, () => askToProduce(broker, { ...target, batch, timeoutMs: options.timeoutMs }))
  } catch (error) {
    if (isStaleLeader(error)) cluster.forget(topic)
    throw error
  }
}

import { byTopic, type Cluster, type TopicPartition } from './cluster.js'
import { isStaleLeader } from './errors.js'
import type { Broker } from './kafkajs-types.js'
import { ask, askToProduce, createErrorFromCode } from './protocol.js'
import { ByteReader } from './records/readers.js'
import { type AbortedTransaction, type RecordsRead, readBatches } from './records/record-batch.js'
import { type OutgoingRecord, writeBatch } from './records/record-writer.js'
import { maxUnpackedBytes } from './records/unpack.js'

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

export interface PartitionFetch {
  readonly topic: string
  readonly partition: number
  readonly from: number
}

export interface PartitionRead extends TopicPartition, RecordsRead {
  /** The first offset that is still there. */
  readonly logStart: number
  /** The end of the log for readers: behind the last record of a finished transaction. */
  readonly end: number
  readonly error?: Error
}

export interface FetchLimits {
  readonly maxWaitMs: number
  readonly maxBytes: number
  readonly maxPartitionBytes: number
}

/** Leaves out the records of transactions that are not committed. */
const readCommitted = 1

/** Reads from one broker, which waits up to `maxWaitMs` for records. */
export async function fetch(
  cluster: Cluster,
  broker: Broker,
  wanted: readonly PartitionFetch[],
  limits: FetchLimits,
): Promise<readonly PartitionRead[]> {
  const positions = new Map(wanted.map(({ topic, partition, from }) => [`${topic}/${partition}`, from]))
  const topics = [...byTopic(wanted)].map(([topic, partitions]) => ({
    topic,
    partitions: partitions.map(({ partition, from }) => ({
      partition,
      fetchOffset: String(from),
      maxBytes: limits.maxPartitionBytes,
    })),
  }))
  const { partitions } = await cluster.request(broker, () =>
    ask(
      broker,
      'Fetch',
      { topics, maxWaitTime: limits.maxWaitMs, minBytes: 1, maxBytes: limits.maxBytes, isolationLevel: readCommitted },
      (data) => readAnswer(data, positions),
    ),
  )
  return partitions
}

/** Reads an answer to Fetch in version 10. */
async function readAnswer(data: Buffer, positions: ReadonlyMap<string, number>) {
  const reader = new ByteReader(data)
  const partitions: PartitionRead[] = []
  const budget = { maxBytes: maxUnpackedBytes, left: maxUnpackedBytes }
  const clientSideThrottleTime = reader.int32()
  const errorCode = reader.int16()
  if (errorCode !== 0) throw createErrorFromCode(errorCode)
  reader.int32() // The id of a fetch session; this adapter uses none.
  for (let topics = reader.int32(); topics > 0; topics--) {
    const topic = reader.string()
    for (let left = reader.int32(); left > 0; left--) {
      const partition = reader.int32()
      const partitionError = reader.int16()
      reader.int64() // The high watermark. Records behind the last stable offset cannot be read yet.
      const end = Number(reader.int64())
      const logStart = Number(reader.int64())
      const aborted: AbortedTransaction[] = []
      for (let transactions = reader.int32(); transactions > 0; transactions--) {
        aborted.push({ producerId: reader.int64(), firstOffset: Number(reader.int64()) })
      }
      const from = positions.get(`${topic}/${partition}`) ?? 0
      const read = await readBatches(reader.bytes(reader.int32()), { from, aborted, budget })
      partitions.push({
        topic,
        partition,
        logStart,
        end,
        ...read,
        ...(partitionError !== 0 && { error: createErrorFromCode(partitionError) }),
      })
    }
  }
  return { clientSideThrottleTime, partitions }
}

import { byTopic, type Cluster, nameOf, type TopicPartition } from './cluster.js'
import { isStaleLeader } from './errors.js'
import type { Broker } from './kafkajs-types.js'
import { askToFetch, askToProduce, createErrorFromCode } from './protocol.js'
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

export interface PartitionFetch extends TopicPartition {
  readonly from: number
}

export interface PartitionRead extends TopicPartition, RecordsRead {
  /** The first offset that is still there. */
  readonly logStart: number
  /** The end of the log for readers: behind the last record of a finished transaction. */
  readonly end: number
  readonly error?: Error
}

/** An answer about one partition, whose records are not decoded yet. */
export interface PartitionData extends TopicPartition {
  readonly logStart: number
  readonly end: number
  readonly error?: Error
  readonly batches: Buffer
  readonly aborted: readonly AbortedTransaction[]
}

export interface FetchLimits {
  readonly maxWaitMs: number
  readonly maxBytes: number
  readonly maxPartitionBytes: number
}

/** The place of a request in a fetch session (KIP-227), in which a broker remembers which partitions are wanted. */
export interface SessionStep {
  /** 0 for a new session. */
  readonly id: number
  readonly epoch: number
}

export interface FetchRequest extends FetchLimits {
  readonly session: SessionStep
  /** The partitions to add, and those to be read from another offset than before. */
  readonly wanted: readonly PartitionFetch[]
  readonly forgotten: readonly TopicPartition[]
}

export interface FetchAnswer {
  /** The session that the next request belongs to. 0 if the broker keeps none. */
  readonly sessionId: number
  /** In a session, only those that have something new. */
  readonly partitions: readonly PartitionData[]
}

/** A request that neither uses a session nor begins one. */
const noSession: SessionStep = { id: 0, epoch: -1 }

/** Reads from one broker, which waits up to `maxWaitMs` for records. */
export async function fetch(
  cluster: Cluster,
  broker: Broker,
  wanted: readonly PartitionFetch[],
  limits: FetchLimits,
): Promise<readonly PartitionRead[]> {
  const request = encodeFetch({ ...limits, session: noSession, wanted, forgotten: [] })
  const answer = await cluster.request(broker, () => askToFetch(broker, request))
  const budget = { maxBytes: maxUnpackedBytes, left: maxUnpackedBytes }
  const offsets = new Map(wanted.map((one) => [nameOf(one), one.from]))
  const reads: PartitionRead[] = []
  for (const data of decodeFetch(answer).partitions) {
    reads.push(await readData(data, { from: offsets.get(nameOf(data)) ?? 0, budget }))
  }
  return reads
}

/** Decodes the records of one partition. */
export async function readData(
  { batches, aborted, ...rest }: PartitionData,
  { from, budget }: { readonly from: number; readonly budget: { readonly maxBytes: number; left: number } },
): Promise<PartitionRead> {
  return { ...rest, ...(await readBatches(batches, { from, aborted, budget })) }
}

const consumer = -1
/** Leaves out the records of transactions that are not committed. */
const readCommitted = 1
const unknownEpoch = -1
const unknownStart = -1n
const headBytes = 33
const partitionBytes = 28

/** Encodes a request in version 10. */
export function encodeFetch(request: FetchRequest): Buffer {
  const { session, maxWaitMs, maxBytes, maxPartitionBytes } = request
  const [wanted, forgotten] = [byTopic(request.wanted), byTopic(request.forgotten)]
  const namesOf = (topics: ReadonlyMap<string, unknown>): number =>
    [...topics.keys()].reduce((sum, topic) => sum + 6 + Buffer.byteLength(topic), 0)
  const bytes = namesOf(wanted) + partitionBytes * request.wanted.length
  const data = Buffer.allocUnsafe(headBytes + bytes + namesOf(forgotten) + 4 * request.forgotten.length)
  let at = 0
  const int32 = (value: number): void => {
    at = data.writeInt32BE(value, at)
  }
  const beginTopic = (topic: string, partitions: number): void => {
    at = data.writeInt16BE(Buffer.byteLength(topic), at)
    at += data.write(topic, at)
    int32(partitions)
  }
  int32(consumer)
  int32(maxWaitMs)
  int32(1) // Bytes that are enough for an answer.
  int32(maxBytes)
  at = data.writeInt8(readCommitted, at)
  int32(session.id)
  int32(session.epoch)
  int32(wanted.size)
  for (const [topic, partitions] of wanted) {
    beginTopic(topic, partitions.length)
    for (const { partition, from } of partitions) {
      int32(partition)
      int32(unknownEpoch)
      at = data.writeBigInt64BE(BigInt(from), at)
      at = data.writeBigInt64BE(unknownStart, at)
      int32(maxPartitionBytes)
    }
  }
  int32(forgotten.size)
  for (const [topic, partitions] of forgotten) {
    beginTopic(topic, partitions.length)
    for (const { partition } of partitions) int32(partition)
  }
  return data
}

/** Reads an answer in version 10. Throws if it is an error as a whole. */
export function decodeFetch(data: Buffer): FetchAnswer {
  const reader = new ByteReader(data)
  const partitions: PartitionData[] = []
  reader.int32() // How long the broker asks its clients to wait.
  const errorCode = reader.int16()
  if (errorCode !== 0) throw createErrorFromCode(errorCode)
  const sessionId = reader.int32()
  for (let topics = reader.int32(); topics > 0; topics--) {
    const topic = reader.string()
    for (let left = reader.int32(); left > 0; left--) partitions.push(decodePartition(reader, topic))
  }
  return { sessionId, partitions }
}

function decodePartition(reader: ByteReader, topic: string): PartitionData {
  const partition = reader.int32()
  const errorCode = reader.int16()
  reader.int64() // The high watermark. Records behind the last stable offset cannot be read yet.
  const end = Number(reader.int64())
  const logStart = Number(reader.int64())
  const aborted: AbortedTransaction[] = []
  for (let transactions = reader.int32(); transactions > 0; transactions--) {
    aborted.push({ producerId: reader.int64(), firstOffset: Number(reader.int64()) })
  }
  const batches = reader.bytes(Math.max(0, reader.int32()))
  const error = errorCode === 0 ? {} : { error: createErrorFromCode(errorCode) }
  return { topic, partition, logStart, end, ...error, batches, aborted }
}

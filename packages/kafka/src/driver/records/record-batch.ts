import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { lookupCodec } from '../protocol.js'
import { ByteReader, HeaderReader, type RecordHeader } from './readers.js'

/** A record as it was read. */
export interface KafkaRecord {
  readonly offset: number
  /** Its size in the batch, unpacked. */
  readonly bytes: number
  /** Milliseconds since 1970 at which it was made or appended, as the topic's `message.timestamp.type` says. */
  readonly timestampMs: number
  readonly key: Buffer | undefined
  /** Undefined for a tombstone. */
  readonly value: Buffer | undefined
  /** If a name occurs twice, the last one counts. */
  readonly headers: readonly RecordHeader[]
  /** Set when a whole batch could not be read; `value` then holds its bytes, and `offset` is its first. */
  readonly unreadable?: Error
}

export interface RecordsRead {
  readonly records: readonly KafkaRecord[]
  /** The offset to read next. Undefined if there was no complete batch. */
  readonly nextOffset: number | undefined
}

export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

/** The size of a record batch before its records: offset, length, epoch, magic, checksum, attributes, transaction. */
export const batchHeaderBytes = 61
const compressionMask = 0x07
const appendTimeFlag = 0x08
const transactionalFlag = 0x10
const controlFlag = 0x20

/**
 * Reads record batches of format 2, the only one that Kafka 4 knows. A batch with an unknown compression codec or damaged
 * records becomes one unreadable record, so that it holds up nothing behind it. Leaves an incomplete batch at the end, and the
 * rest once compressed batches have grown to 64 MiB: they come with the next answer.
 */
export async function readBatches(
  data: Buffer,
  options: { readonly from: number; readonly aborted: readonly AbortedTransaction[] },
): Promise<RecordsRead> {
  const records: KafkaRecord[] = []
  const headers = new HeaderReader()
  const isAborted = abortedFilter(options.aborted)
  let nextOffset: number | undefined
  let unpackedBytes = 0
  for (let at = 0; data.length - at >= batchHeaderBytes; ) {
    const length = data.readInt32BE(at + 8)
    if (data.length - at - 12 < length) break
    if (unpackedBytes >= enoughUnpackedBytes) break
    const batch = data.subarray(at, at + 12 + length)
    at += 12 + length
    const baseOffset = Number(batch.readBigInt64BE(0))
    const lastOffset = baseOffset + batch.readInt32BE(23)
    nextOffset = lastOffset + 1
    if (lastOffset < options.from) continue
    const attributes = batch.readInt16BE(21)
    const producerId = batch.readBigInt64BE(43)
    if ((attributes & controlFlag) !== 0) {
      isAborted.ended(producerId)
      continue
    }
    if ((attributes & transactionalFlag) !== 0 && isAborted.covers(producerId, lastOffset)) continue
    const compression = attributes & compressionMask
    const content = batch.subarray(batchHeaderBytes)
    const unpacked = compression === 0 ? content : await unpack(content, compression).catch(asError)
    if (compression !== 0 && !(unpacked instanceof Error)) unpackedBytes += unpacked.length
    const found = unpacked instanceof Error ? [unreadableRecord(batch, unpacked)] : recordsOf(batch, unpacked, headers)
    for (const record of found) if (record.offset >= options.from) records.push(record)
  }
  return { records, nextOffset }
}

/** `data` is the part behind the batch's header, decompressed. */
function recordsOf(batch: Buffer, data: Buffer, headers: HeaderReader): readonly KafkaRecord[] {
  const hasAppendTime = (batch.readInt16BE(21) & appendTimeFlag) !== 0
  const firstTimestamp = Number(batch.readBigInt64BE(27))
  const maxTimestamp = Number(batch.readBigInt64BE(35))
  try {
    if (batch[16] !== 2) throw new Error(`Record format ${batch[16]} is not known`)
    return decodeRecords(data, headers, {
      count: batch.readInt32BE(57),
      baseOffset: Number(batch.readBigInt64BE(0)),
      timestampOf: (delta) => (hasAppendTime ? maxTimestamp : firstTimestamp + delta),
    })
  } catch (cause) {
    return [unreadableRecord(batch, cause)]
  }
}

/** Makes a record that stands for the whole batch. */
function unreadableRecord(batch: Buffer, cause: unknown): KafkaRecord {
  const unreadable = asError(cause)
  const [offset, timestampMs] = [Number(batch.readBigInt64BE(0)), Number(batch.readBigInt64BE(35))]
  return { offset, bytes: batch.length, timestampMs, key: undefined, value: batch, headers: [], unreadable }
}

const asError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(String(cause)))

const gzip = 1
/** Batches are a megabyte unless a topic allows more, so one that grows beyond this is an attack. */
const maxUnpackedBytes = 128 * 1024 * 1024
/** Once the compressed batches of an answer have grown to this, the batches behind them are not read from it. */
const enoughUnpackedBytes = 64 * 1024 * 1024
const gunzipped = promisify(gunzip)

async function unpack(packed: Buffer, compression: number): Promise<Buffer> {
  // kafkajs has no limit.
  if (compression === gzip) return await gunzipped(packed, { maxOutputLength: maxUnpackedBytes })
  const codec = lookupCodec(compression)
  if (codec === null) throw new Error(`Compression ${compression} is not known`)
  return await codec.decompress(packed)
}

interface BatchContext {
  readonly count: number
  readonly baseOffset: number
  timestampOf(delta: number): number
}

function decodeRecords(
  data: Buffer,
  headerReader: HeaderReader,
  { count, baseOffset, timestampOf }: BatchContext,
): readonly KafkaRecord[] {
  const records: KafkaRecord[] = []
  const reader = new ByteReader(data)
  for (let index = 0; index < count; index++) {
    const bytes = reader.varint()
    const end = bytes + reader.at
    // These are attributes that no version uses.
    reader.int8()
    const timestampMs = timestampOf(reader.varlong())
    const offset = baseOffset + reader.varint()
    const key = reader.varbytes()
    const value = reader.varbytes()
    const headers = headerReader.read(data, reader)
    if (reader.at !== end) throw new Error('A record is not as long as it says')
    records.push({ offset, bytes, timestampMs, key, value, headers })
  }
  return records
}

/** Finds transactional batches that were rolled back: those of a listed producer, from its first offset to its next marker. */
function abortedFilter(transactions: readonly AbortedTransaction[]) {
  const waiting = [...transactions].sort((left, right) => left.firstOffset - right.firstOffset)
  const open = new Set<bigint>()
  return {
    covers(producerId: bigint, lastOffset: number): boolean {
      while (waiting[0] !== undefined && waiting[0].firstOffset <= lastOffset) {
        open.add(waiting[0].producerId)
        waiting.shift()
      }
      return open.has(producerId)
    },
    ended: (producerId: bigint): void => void open.delete(producerId),
  }
}

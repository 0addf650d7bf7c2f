import { ByteReader, HeaderReader, type RecordHeader } from './readers.js'
import { MissingCodecError, maxUnpackedBytes, type UnpackBudget, unpack } from './unpack.js'

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
  /** Set when a whole batch could not be read. `value` then holds its bytes, and `offset` is the first one that was wanted of it. */
  readonly unreadable?: UnreadableBatch
}

export interface UnreadableBatch {
  /** A `MissingCodecError` if the batch can be read once a codec is registered. */
  readonly cause: Error
  /** The last offset of the batch. */
  readonly lastOffset: number
}

export interface RecordsRead {
  readonly records: readonly KafkaRecord[]
  /** The offset to read next. Undefined if there was no complete batch. */
  readonly nextOffset: number | undefined
  /** The first record that is unreadable because a codec is missing. */
  readonly missingCodec?: { readonly offset: number; readonly cause: MissingCodecError }
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
 * records becomes one unreadable record, so that it holds up nothing behind it. So does a batch that is larger, unpacked, than the
 * whole budget. Leaves an incomplete batch at the end, and the rest once the budget is spent: they come with the next answer.
 */
export async function readBatches(
  data: Buffer,
  options: {
    readonly from: number
    readonly aborted: readonly AbortedTransaction[]
    /** Shared by the partitions of an answer. Default: one of its own. */
    readonly budget?: UnpackBudget
  },
): Promise<RecordsRead> {
  const { from, budget = { maxBytes: maxUnpackedBytes, left: maxUnpackedBytes } } = options
  const records: KafkaRecord[] = []
  const headers = new HeaderReader()
  const isAborted = abortedFilter(options.aborted)
  let nextOffset: number | undefined
  let missingCodec: RecordsRead['missingCodec']
  for (let at = 0; data.length - at >= batchHeaderBytes; ) {
    const length = data.readInt32BE(at + 8)
    if (data.length - at - 12 < length) break
    const batch = data.subarray(at, at + 12 + length)
    at += 12 + length
    const baseOffset = Number(batch.readBigInt64BE(0))
    const lastOffset = baseOffset + batch.readInt32BE(23)
    const attributes = batch.readInt16BE(21)
    const producerId = batch.readBigInt64BE(43)
    const isWanted = lastOffset >= from
    if (isWanted && (attributes & controlFlag) !== 0) isAborted.ended(producerId)
    else if (isWanted && !((attributes & transactionalFlag) !== 0 && isAborted.covers(producerId, lastOffset))) {
      const compression = attributes & compressionMask
      const content = batch.subarray(batchHeaderBytes)
      const unpacked = compression === 0 ? content : await unpack(content, compression, budget).catch(asError)
      if (unpacked === undefined) break
      if (unpacked instanceof MissingCodecError)
        missingCodec ??= { offset: Math.max(baseOffset, from), cause: unpacked }
      const found =
        unpacked instanceof Error
          ? [unreadableRecord(batch, unpacked, from)]
          : recordsOf(batch, unpacked, { headers, from })
      for (const record of found) if (record.offset >= from) records.push(record)
    }
    nextOffset = lastOffset + 1
  }
  return { records, nextOffset, ...(missingCodec && { missingCodec }) }
}

/** `data` is the part behind the batch's header, decompressed. */
function recordsOf(
  batch: Buffer,
  data: Buffer,
  { headers, from }: { readonly headers: HeaderReader; readonly from: number },
): readonly KafkaRecord[] {
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
    return [unreadableRecord(batch, cause, from)]
  }
}

/** Makes a record that stands for the whole batch, or for what is wanted of it. */
function unreadableRecord(batch: Buffer, cause: unknown, from: number): KafkaRecord {
  const baseOffset = Number(batch.readBigInt64BE(0))
  const unreadable = { cause: asError(cause), lastOffset: baseOffset + batch.readInt32BE(23) }
  const [offset, timestampMs] = [Math.max(baseOffset, from), Number(batch.readBigInt64BE(35))]
  return { offset, bytes: batch.length, timestampMs, key: undefined, value: batch, headers: [], unreadable }
}

const asError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(String(cause)))

interface BatchContext {
  readonly count: number
  readonly baseOffset: number
  timestampOf(delta: number): number
}

/** From this size on, the records of a batch do not share its memory. */
const minLargeBytes = 1024 * 1024

/** A record that waits, or that a handler has, would keep the memory of all others of a large batch. */
function alone(bytes: Buffer | undefined, { length }: Buffer): Buffer | undefined {
  return bytes === undefined || length < minLargeBytes || bytes.length > length / 2 ? bytes : Buffer.from(bytes)
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
    const key = alone(reader.varbytes(), data)
    const value = alone(reader.varbytes(), data)
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

/** Returns true if a batch among these bytes is compressed. */
export function isPacked(data: Buffer): boolean {
  for (let at = 0; data.length - at >= batchHeaderBytes; at += 12 + Math.max(0, data.readInt32BE(at + 8))) {
    if ((data.readInt16BE(at + 21) & compressionMask) !== 0) return true
  }
  return false
}

/** Says of a batch in a topic of ours why it cannot be read, and what an operator does if a codec is missing. */
export function unreadableError(
  topic: string,
  { offset, cause }: { readonly offset: number; readonly cause: Error },
): Error {
  const hint = cause instanceof MissingCodecError ? `. Set compression.type=producer for ${topic}` : ''
  return new Error(`The record ${offset} of ${topic} cannot be read: ${cause.message}${hint}`, { cause })
}

/** Returns true for a batch that can be read once a codec is registered. */
export const isCodecMissing = ({ unreadable }: KafkaRecord): boolean => unreadable?.cause instanceof MissingCodecError

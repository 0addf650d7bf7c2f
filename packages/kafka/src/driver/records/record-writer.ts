import { crc32C, lookupCodec } from '../protocol.js'
import { batchHeaderBytes } from './record-batch.js'

/** A header of a record to be written. */
export interface OutgoingHeader {
  readonly name: string
  readonly value: string | Buffer
}

/** A record to be written. */
export interface OutgoingRecord {
  readonly key: string | Buffer | null
  /** Null for a tombstone. */
  readonly value: Buffer | null
  readonly headers: readonly OutgoingHeader[]
}

/** The maximum of bytes in UTF-8 for one UTF-16 unit. */
const maxBytesPerUnit = 3
/** The maximum size of a varint of 32 bits. */
const maxVarintBytes = 5

const maxTextBytes = (text: string | Buffer): number =>
  maxVarintBytes + (typeof text === 'string' ? maxBytesPerUnit * text.length : text.length)

/** Returns an upper bound of the record's size on the wire. */
export function recordBytes({ key, value, headers }: OutgoingRecord): number {
  let bytes = 40 + (value === null ? 0 : value.length) + (key === null ? 0 : maxTextBytes(key))
  for (const header of headers) bytes += maxTextBytes(header.name) + maxTextBytes(header.value)
  return bytes
}

/** Makes a record batch of format 2 as producers send it: with the time of now, without a transaction or a sequence. */
export async function writeBatch(records: readonly OutgoingRecord[], compression: number): Promise<Buffer> {
  let maxBytes = batchHeaderBytes
  for (const record of records) maxBytes += recordBytes(record)
  const writer = new RecordWriter(Buffer.allocUnsafe(maxBytes), batchHeaderBytes)
  for (const [index, record] of records.entries()) writer.write(record, index)
  const written = writer.written()
  const codec = lookupCodec(compression)
  const batch =
    codec === null
      ? written
      : Buffer.concat([
          written.subarray(0, batchHeaderBytes),
          await codec.compress({ buffer: written.subarray(batchHeaderBytes) }),
        ])
  const now = BigInt(Date.now())
  batch.fill(0, 0, batchHeaderBytes)
  batch.writeInt32BE(batch.length - 12, 8)
  batch[16] = 2
  batch.writeInt16BE(compression, 21)
  batch.writeInt32BE(records.length - 1, 23)
  batch.writeBigInt64BE(now, 27)
  batch.writeBigInt64BE(now, 35)
  batch.writeBigInt64BE(-1n, 43)
  batch.writeInt32BE(records.length, 57)
  // The checksum covers what follows it.
  batch.writeUInt32BE(crc32C(batch.subarray(21)), 17)
  return batch
}

interface Place {
  readonly header: OutgoingHeader
  at: number
  readonly length: number
}

/** Writes records into a buffer that must be large enough for all of them. */
class RecordWriter {
  readonly #data: Buffer
  /** The places of the headers of the record before. Most of them come again, and copying is quicker than encoding. */
  readonly #places: Place[] = []
  #at: number

  constructor(data: Buffer, at: number) {
    this.#data = data
    this.#at = at
  }

  write({ key, value, headers }: OutgoingRecord, offsetDelta: number): void {
    const start = this.#at
    const bodyAt = start + maxVarintBytes
    this.#at = bodyAt
    // It has no attributes, and the time of the batch.
    this.#data[this.#at++] = 0
    this.#data[this.#at++] = 0
    this.#varint(offsetDelta)
    if (key === null) this.#varint(-1)
    else this.#bytes(key)
    if (value === null) this.#varint(-1)
    else this.#bytes(value)
    this.#varint(headers.length)
    for (const [index, header] of headers.entries()) this.#header(header, index)
    const end = this.#at
    // Its length comes first, but is known only now.
    this.#at = start
    this.#varint(end - bodyAt)
    this.#data.copyWithin(this.#at, bodyAt, end)
    const moved = bodyAt - this.#at
    for (const place of this.#places) if (place.at >= bodyAt) place.at -= moved
    this.#at = end - moved
  }

  written(): Buffer {
    return this.#data.subarray(0, this.#at)
  }

  #header(header: OutgoingHeader, index: number): void {
    const at = this.#at
    const before = this.#places[index]
    if (before !== undefined && before.header.name === header.name && before.header.value === header.value) {
      this.#data.copyWithin(at, before.at, before.at + before.length)
      this.#at += before.length
      return
    }
    this.#bytes(header.name)
    this.#bytes(header.value)
    this.#places[index] = { header, at, length: this.#at - at }
  }

  #bytes(bytes: string | Buffer): void {
    if (typeof bytes !== 'string') {
      this.#varint(bytes.length)
      this.#data.set(bytes, this.#at)
      this.#at += bytes.length
      return
    }
    const length = Buffer.byteLength(bytes)
    this.#varint(length)
    // A text with as many bytes as units is ASCII.
    this.#data.write(bytes, this.#at, length === bytes.length ? 'latin1' : 'utf8')
    this.#at += length
  }

  /** Zigzag, 32 bits. */
  #varint(value: number): void {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0
    while (rest >= 0x80) {
      this.#data[this.#at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#data[this.#at++] = rest
  }
}

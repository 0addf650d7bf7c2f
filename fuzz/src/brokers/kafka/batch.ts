import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'
import { type Blob, bytesOf } from '../../blob.js'

/** A record as plain data. What is undefined is null on the wire. */
export interface BatchRecord {
  readonly key?: Blob | undefined
  readonly value?: Blob | undefined
  readonly headers: readonly (readonly [name: Blob, value: Blob | undefined])[]
}

export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd' | 'unknown'

/** What a batch says that is not so. The checksum is right: a broker looks no further than it has to. */
export interface Lies {
  /** Added to the number of records. */
  readonly count?: number
  readonly lastOffset?: number
  /** Added to the length of the first record. */
  readonly recordLength?: number
  /** Instead of the number of headers of the first record. */
  readonly headerCount?: number
  /** Behind the last record. */
  readonly tail?: Blob
}

export interface Batch {
  readonly records: readonly BatchRecord[]
  readonly codec: Codec
  /** Milliseconds since 1970, or so many from now where it is small. */
  readonly timestamp?: number
  readonly lies?: Lies
}

const codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd', 'unknown']
const headerBytes = 61
const crc32C = createRequire(import.meta.url)('kafkajs/src/protocol/recordBatch/crc32C') as (data: Buffer) => number

/** Format 2, in the producer's form. */
export function encodeBatch({ records, codec, timestamp = Date.now(), lies = {} }: Batch): Buffer {
  const parts = records.map((record, index) => encodeRecord(record, index, index === 0 ? lies : {}))
  if (lies.tail !== undefined) parts.push(bytesOf(lies.tail))
  const packed = pack(Buffer.concat(parts), codec)
  const batch = Buffer.concat([Buffer.alloc(headerBytes), packed])
  batch.writeInt32BE(batch.length - 12, 8)
  batch[16] = 2
  batch.writeInt16BE(Math.max(0, codecs.indexOf(codec)), 21)
  batch.writeInt32BE(records.length - 1 + (lies.lastOffset ?? 0), 23)
  batch.writeBigInt64BE(BigInt(timestamp), 27)
  batch.writeBigInt64BE(BigInt(timestamp), 35)
  batch.writeBigInt64BE(-1n, 43)
  batch.writeInt16BE(-1, 51)
  batch.writeInt32BE(-1, 53)
  batch.writeInt32BE(records.length + (lies.count ?? 0), 57)
  batch.writeUInt32BE(crc32C(batch.subarray(21)) >>> 0, 17)
  return batch
}

function encodeRecord({ key, value, headers }: BatchRecord, offset: number, lies: Lies): Buffer {
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(0),
    varint(offset),
    nullable(key),
    nullable(value),
    varint(lies.headerCount ?? headers.length),
    ...headers.flatMap(([name, content]) => {
      const bytes = bytesOf(name)
      return [varint(bytes.length), bytes, nullable(content)]
    }),
  ])
  return Buffer.concat([varint(body.length + (lies.recordLength ?? 0)), body])
}

function nullable(blob: Blob | undefined): Buffer {
  if (blob === undefined) return varint(-1)
  const bytes = bytesOf(blob)
  return Buffer.concat([varint(bytes.length), bytes])
}

/** Zigzag, 32 bits. */
function varint(value: number): Buffer {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  const bytes: number[] = []
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  return Buffer.from([...bytes, rest])
}

function pack(data: Buffer, codec: Codec): Buffer {
  if (codec === 'gzip') return gzipSync(data)
  if (codec === 'snappy') return snappy(data)
  if (codec === 'lz4') return lz4(data)
  return codec === 'zstd' ? zstd(data) : data
}

/** Each of the three writes its data as it is, in pieces: readers cannot tell that nothing became smaller. */
function snappy(data: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let left = data.length; ; left >>>= 7) {
    parts.push(Buffer.from([left < 0x80 ? left : (left & 0x7f) | 0x80]))
    if (left < 0x80) break
  }
  for (let at = 0; at < data.length; at += 60) {
    const piece = data.subarray(at, at + 60)
    parts.push(Buffer.from([(piece.length - 1) << 2]), piece)
  }
  return Buffer.concat(parts)
}

function lz4(data: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from('04224d18604082', 'hex')]
  for (let at = 0; at < data.length; at += 60_000) {
    const piece = data.subarray(at, at + 60_000)
    const size = Buffer.alloc(4)
    size.writeUInt32LE((piece.length | 0x8000_0000) >>> 0)
    parts.push(size, piece)
  }
  return Buffer.concat([...parts, Buffer.alloc(4)])
}

function zstd(data: Buffer): Buffer {
  const head = Buffer.from('28b52ffda000000000', 'hex')
  head.writeUInt32LE(data.length, 5)
  const parts: Buffer[] = [head]
  for (let at = 0; at < data.length; at += 100_000) {
    const piece = data.subarray(at, at + 100_000)
    const size = Buffer.alloc(4)
    size.writeUInt32LE((piece.length << 3) | (at + piece.length === data.length ? 1 : 0))
    parts.push(size.subarray(0, 3), piece)
  }
  return Buffer.concat(parts)
}

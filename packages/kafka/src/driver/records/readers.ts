import { isUtf8 } from 'node:buffer'

/** Reads values of Kafka's protocol, one after the other. Throws a `RangeError` at the end of the data. */
export class ByteReader {
  readonly #data: Buffer
  #at = 0

  constructor(data: Buffer) {
    this.#data = data
  }

  get at(): number {
    return this.#at
  }

  int8(): number {
    return this.#data.readInt8(this.#pass(1))
  }

  int16(): number {
    return this.#data.readInt16BE(this.#pass(2))
  }

  int32(): number {
    return this.#data.readInt32BE(this.#pass(4))
  }

  int64(): bigint {
    return this.#data.readBigInt64BE(this.#pass(8))
  }

  /** Returns that many bytes, and none for a length below zero. */
  bytes(length: number): Buffer {
    const at = this.skip(Math.max(0, length))
    return this.#data.subarray(at, this.#at)
  }

  /** Passes over that many bytes, and returns where they begin. */
  skip(length: number): number {
    if (this.#at + length > this.#data.length) throw new RangeError('A field ends behind its record')
    return this.#pass(length)
  }

  string(): string {
    return this.bytes(this.int16()).toString()
  }

  /** Zigzag, at most 32 bits. */
  varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#data.readUInt8(this.#pass(1))
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    throw new RangeError('A number is too long')
  }

  /** Zigzag; exact up to 2^53. */
  varlong(): number {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#data.readUInt8(this.#pass(1))
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
    throw new RangeError('A number is too long')
  }

  /** At most 32 bits, without a sign. */
  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#data.readUInt8(this.#pass(1))
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new RangeError('A number is too long')
  }

  /** Reads a text of a flexible version. Returns null if there is none. */
  compactString(): string | null {
    const length = this.unsignedVarint() - 1
    return length < 0 ? null : this.bytes(length).toString()
  }

  /** Passes over the tagged fields of a flexible version. */
  tags(): void {
    for (let left = this.unsignedVarint(); left > 0; left--) {
      this.unsignedVarint()
      this.skip(this.unsignedVarint())
    }
  }

  varbytes(): Buffer | undefined {
    const length = this.varint()
    return length < 0 ? undefined : this.bytes(length)
  }

  /** Moves on, and returns the place before. */
  #pass(length: number): number {
    const at = this.#at
    this.#at += length
    return at
  }
}

/** One header of a record, as text. Bytes that are not UTF-8 are shown as hexadecimal digits. */
export interface RecordHeader {
  readonly name: string
  readonly value: string
}

interface Place {
  data: Buffer
  at: number
  length: number
  text: string
}

/** The limit of one record. A header costs many times its bytes in a batch, so more of them are an attack. */
const maxHeaders = 10_000

/**
 * Reads the headers of records that were read together. Decoding text is most of the cost of reading a small record, and the
 * records of a topic mostly have the same headers in the same order. So a text that is the same as in the record before is not
 * decoded again.
 */
export class HeaderReader {
  readonly #names: Place[] = []
  readonly #values: Place[] = []
  /** The headers of the record before. */
  readonly #headers: RecordHeader[] = []

  /**
   * Returns the headers of the next record, in their order. A name may occur twice; one without a value removes those of its name
   * before it. Throws a `RangeError` if there are more than 10,000.
   */
  read(data: Buffer, reader: ByteReader): readonly RecordHeader[] {
    const headers: RecordHeader[] = []
    /** By name: the headers of that name before this index are removed. */
    let removedBefore: Map<string, number> | undefined
    const count = reader.varint()
    if (count > maxHeaders) throw new RangeError(`A record has ${count} headers; at most ${maxHeaders} are read`)
    for (let index = 0; index < count; index++) {
      const name = this.#text(this.#names, index, data, reader) ?? ''
      const value = this.#text(this.#values, index, data, reader)
      if (value !== undefined) headers.push(this.#header(index, name, value))
      else {
        removedBefore ??= new Map()
        removedBefore.set(name, headers.length)
      }
    }
    return removedBefore === undefined
      ? headers
      : headers.filter(({ name }, at) => at >= (removedBefore.get(name) ?? 0))
  }

  #header(index: number, name: string, value: string): RecordHeader {
    const before = this.#headers[index]
    if (before !== undefined && before.name === name && before.value === value) return before
    const header = { name, value }
    this.#headers[index] = header
    return header
  }

  #text(places: Place[], index: number, data: Buffer, reader: ByteReader): string | undefined {
    const length = reader.varint()
    if (length < 0) return undefined
    const at = reader.skip(length)
    const before = places[index]
    if (before === undefined) {
      const text = textAt(data, at, length)
      places[index] = { data, at, length, text }
      return text
    }
    if (before.length !== length || !isSame(before, data, at)) {
      before.text = textAt(data, at, length)
      before.data = data
      before.at = at
      before.length = length
    }
    return before.text
  }
}

function isSame({ data: other, at: there, length }: Place, data: Buffer, at: number): boolean {
  for (let index = 0; index < length; index++) {
    if (data[at + index] !== other[there + index]) return false
  }
  return true
}

const replacement = '\ufffd'

/** Decodes UTF-8. Returns hexadecimal digits for anything else. */
export function textAt(data: Buffer, at: number, length: number): string {
  const text = data.toString('utf8', at, at + length)
  if (!text.includes(replacement)) return text
  const bytes = data.subarray(at, at + length)
  return isUtf8(bytes) ? text : bytes.toString('hex')
}

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

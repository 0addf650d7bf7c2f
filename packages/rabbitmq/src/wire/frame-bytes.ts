import { frameLayout } from '../connection/frame-layout.js'

const initialBytes = 64 * 1_024
/** A buffer that a burst of large messages has made larger is given up. */
const keptBytes = 1_024 * 1_024

const { channelAt, lengthAt, payloadAt, end: frameEnd } = frameLayout
const lengthBytes = 4
const maxShortBytes = 255
/** The most bytes of a UTF-16 code unit in UTF-8. */
const maxUnitBytes = 3
const textTag = 0x53

/** More names of headers than an application has. Those beyond are encoded each time. */
const maxFields = 256
/** Longer values hardly come twice. */
const maxKeptLength = 512
const kept = (value: string): string => (value.length <= maxKeptLength ? value : '')

/** A header of an earlier message: its name up to the tag of its type, and its last value, encoded once it has come twice. */
interface Field {
  readonly name: Buffer
  value: string
  bytes: Buffer | undefined
}

/** Bytes that are written one after the other, in the types of AMQP 0-9-1. */
export class FrameBytes {
  readonly #fields = new Map<string, Field>()
  #bytes = Buffer.allocUnsafe(initialBytes)
  #end = 0

  get size(): number {
    return this.#end
  }

  truncate(size: number): void {
    this.#end = size
  }

  /** Returns a copy of all that was written, and begins anew. */
  take(): Buffer {
    const taken = this.copyFrom(0)
    this.#end = 0
    if (this.#bytes.length > keptBytes) this.#bytes = Buffer.allocUnsafe(initialBytes)
    return taken
  }

  /** Returns a copy of what was written from there on. */
  copyFrom(start: number): Buffer {
    return Buffer.from(this.#bytes.subarray(start, this.#end))
  }

  copy(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length)
    this.#bytes.set(bytes, this.#end)
    this.#end += bytes.length
  }

  octet(value: number): void {
    this.#makeRoom(1)
    this.#bytes[this.#end++] = value
  }

  short(value: number): void {
    this.#makeRoom(2)
    this.#bytes[this.#end++] = value >>> 8
    this.#bytes[this.#end++] = value
  }

  /** Writes a whole number of eight bytes, which is not negative and safe. */
  long(value: number): void {
    this.#makeRoom(8)
    this.#writeInteger(this.#end, Math.floor(value / 0x1_0000_0000))
    this.#writeInteger(this.#end + 4, value % 0x1_0000_0000)
    this.#end += 8
  }

  /** Returns false for a text that has more than 255 bytes. */
  shortText(text: string): boolean {
    this.#makeRoom(1 + text.length * maxUnitBytes)
    const bytes = this.#bytes.write(text, this.#end + 1)
    this.#bytes[this.#end] = bytes
    this.#end += 1 + bytes
    return bytes <= maxShortBytes
  }

  /** Returns where the frame begins. */
  beginFrame(type: number, channel: number): number {
    this.#makeRoom(payloadAt)
    const start = this.#end
    this.#bytes[start] = type
    this.#bytes[start + channelAt] = channel >>> 8
    this.#bytes[start + channelAt + 1] = channel
    this.#end += payloadAt
    return start
  }

  endFrame(start: number): void {
    this.#writeInteger(start + lengthAt, this.#end - start - payloadAt)
    this.octet(frameEnd)
  }

  /** Returns where the table begins. */
  beginTable(): number {
    this.#makeRoom(lengthBytes)
    this.#end += lengthBytes
    return this.#end - lengthBytes
  }

  endTable(start: number): void {
    this.#writeInteger(start, this.#end - start - lengthBytes)
  }

  /** Writes a field of a table. Returns false if its name has more than 255 bytes. */
  textField(name: string, value: string): boolean {
    const field = this.#fields.get(name)
    if (field === undefined) return this.#newField(name, value)
    if (field.value !== value) {
      field.value = kept(value)
      field.bytes = undefined
    } else if (field.bytes !== undefined) {
      this.copy(field.bytes)
      return true
    } else {
      const start = this.#end
      this.copy(field.name)
      this.#longText(value)
      field.bytes = this.copyFrom(start)
      return true
    }
    this.copy(field.name)
    this.#longText(value)
    return true
  }

  #newField(name: string, value: string): boolean {
    const start = this.#end
    if (!this.shortText(name)) return false
    this.octet(textTag)
    if (this.#fields.size < maxFields) {
      this.#fields.set(name, { name: this.copyFrom(start), value: kept(value), bytes: undefined })
    }
    this.#longText(value)
    return true
  }

  #longText(text: string): void {
    this.#makeRoom(lengthBytes + text.length * maxUnitBytes)
    const bytes = this.#bytes.write(text, this.#end + lengthBytes)
    this.#writeInteger(this.#end, bytes)
    this.#end += lengthBytes + bytes
  }

  /** Writes a whole number of four bytes at a place for which there is room. */
  #writeInteger(at: number, value: number): void {
    this.#bytes[at] = value >>> 24
    this.#bytes[at + 1] = value >>> 16
    this.#bytes[at + 2] = value >>> 8
    this.#bytes[at + 3] = value
  }

  #makeRoom(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#end + bytes))
    this.#bytes.copy(larger, 0, 0, this.#end)
    this.#bytes = larger
  }
}

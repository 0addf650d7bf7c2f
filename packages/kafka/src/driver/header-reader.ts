import { isUtf8 } from 'node:buffer'
import type { ByteReader } from './byte-reader.js'

/** One header of a record, as text. What is no UTF-8 is in hexadecimal digits. */
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

/** Of one record. Each costs many times the bytes that it takes in a batch, and what has more was made to. */
const mostHeaders = 10_000

/**
 * Reads the headers of records that were read together. Records of one topic mostly say the same in the same order, so what
 * stands where it stood in the record before is not decoded again: text is what costs most in reading a small record.
 */
export class HeaderReader {
  readonly #names: Place[] = []
  readonly #values: Place[] = []
  /** Of the record before. */
  readonly #headers: RecordHeader[] = []

  /**
   * Of the next record, in their order; a name may occur twice. One without a value takes away those of its name before it.
   * Throws a `RangeError` where there are more than 10,000.
   */
  read(data: Buffer, reader: ByteReader): readonly RecordHeader[] {
    const headers: RecordHeader[] = []
    /** How many headers there were when one without a value took away those of its name. */
    let takenAt: Map<string, number> | undefined
    const count = reader.varint()
    if (count > mostHeaders) throw new RangeError(`A record has ${count} headers; at most ${mostHeaders} are read`)
    for (let index = 0; index < count; index++) {
      const name = this.#text(this.#names, index, data, reader) ?? ''
      const value = this.#text(this.#values, index, data, reader)
      if (value !== undefined) headers.push(this.#header(index, name, value))
      else {
        takenAt ??= new Map()
        takenAt.set(name, headers.length)
      }
    }
    return takenAt === undefined ? headers : headers.filter(({ name }, at) => at >= (takenAt.get(name) ?? 0))
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

/** The text of bytes; what is no UTF-8 is shown in hexadecimal digits. */
export function textAt(data: Buffer, at: number, length: number): string {
  const text = data.toString('utf8', at, at + length)
  if (!text.includes(replacement)) return text
  const bytes = data.subarray(at, at + length)
  return isUtf8(bytes) ? text : bytes.toString('hex')
}

import { type Blob, bytesOf } from '../../blob.js'

/** A field of a header table, as plain data. */
export type Field =
  | { readonly text: Blob }
  /** Any type of AMQP by its letter, with its bytes; they may be fewer or more than the type says. */
  | { readonly type: string; readonly hex: string }
  | { readonly table: Table }
  | { readonly array: readonly Field[] }
  /** So many tables or arrays in each other. */
  | { readonly nest: 'table' | 'array'; readonly depth: number }

export type Table = readonly (readonly [name: string, field: Field])[]

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export const shortText = (text: string): Buffer => {
  const bytes = Buffer.from(text).subarray(0, 255)
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}

const long = (bytes: Buffer): Buffer => Buffer.concat([uint32(bytes.length), bytes])

export function encodeTable(table: Table): Buffer {
  return long(Buffer.concat(table.flatMap(([name, field]) => [shortText(name), encodeField(field)])))
}

function encodeField(field: Field): Buffer {
  if ('text' in field) return Buffer.concat([Buffer.from('S'), long(bytesOf(field.text))])
  if ('type' in field) return Buffer.concat([Buffer.from(field.type), Buffer.from(field.hex, 'hex')])
  if ('table' in field) return Buffer.concat([Buffer.from('F'), encodeTable(field.table)])
  if ('array' in field) return Buffer.concat([Buffer.from('A'), long(Buffer.concat(field.array.map(encodeField)))])
  return nested(field)
}

/** From the outside inwards, each with the length of all that it holds: a recursion would be too deep. */
function nested({ nest, depth }: { readonly nest: 'table' | 'array'; readonly depth: number }): Buffer {
  const letter = nest === 'table' ? 'F' : 'A'
  const name = nest === 'table' ? shortText('a') : Buffer.alloc(0)
  const level = name.length + 5
  const parts: Buffer[] = [Buffer.from(letter)]
  for (let left = depth - 1; left > 0; left--) parts.push(uint32(left * level), name, Buffer.from(letter))
  parts.push(uint32(0))
  return Buffer.concat(parts)
}

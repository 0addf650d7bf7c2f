/** The sizes of the values of fixed size, by the letter of their type. */
const sizes = new Map(Object.entries({ V: 0, t: 1, b: 1, B: 1, s: 2, u: 2, i: 4, I: 4, f: 4, l: 8, d: 8, T: 8, D: 5 }))
/** The types whose values begin with their length in four bytes. */
const longTypes = 'SxAF'

/** A field of a header table that was not decoded. */
export interface RawField {
  readonly name: string
  /** Its name, its type and its value. */
  readonly bytes: Buffer
}

/**
 * Splits the bytes of a header table, which begin with its length, into its fields. Tables in them are not looked into, however deep they
 * are. From a field of an unknown type on, the rest counts as one field without a name.
 */
export function fieldsOf(table: Buffer): readonly RawField[] {
  const fields: RawField[] = []
  let at = 4
  while (at < table.length) {
    const nameEnd = at + 1 + table.readUInt8(at)
    const end = valueEnd(table, nameEnd)
    if (end === undefined) {
      fields.push({ name: '', bytes: table.subarray(at) })
      break
    }
    fields.push({ name: table.toString('utf8', at + 1, nameEnd), bytes: table.subarray(at, end) })
    at = end
  }
  return fields
}

/** Returns undefined if the value is of an unknown type, or does not end in the table. */
function valueEnd(table: Buffer, typeAt: number): number | undefined {
  if (typeAt >= table.length) return undefined
  const type = String.fromCharCode(table.readUInt8(typeAt))
  const start = typeAt + 1
  const isLong = longTypes.includes(type)
  if (isLong && start + 4 > table.length) return undefined
  const size = isLong ? 4 + table.readUInt32BE(start) : sizes.get(type)
  return size === undefined || start + size > table.length ? undefined : start + size
}

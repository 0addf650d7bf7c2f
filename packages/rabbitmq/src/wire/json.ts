/** Tables nested deeper than this are left out: another program may nest them deeper than the stack allows. */
const maxDepth = 100

/**
 * Returns JSON of a value that the driver decoded. It may hold integers that JSON does not have. Fields stand in the order of their names,
 * because the broker may change their order.
 */
export const jsonOf = (value: unknown): string => JSON.stringify(plain(value, 1))

/** Copies the value, so that nothing in it is called: a field named `__proto__` gives its table any `toJSON`. */
function plain(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth > maxDepth) return null
  if (Array.isArray(value)) return value.map((part) => plain(part, depth + 1))
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toJSON()
  const fields: Record<string, unknown> = Object.create(null)
  const table = value as Readonly<Record<string, unknown>>
  for (const name of Object.keys(table).sort()) fields[name] = plain(table[name], depth + 1)
  return fields
}

/** Tables nested deeper than this are left out: another program may nest them deeper than the stack allows. */
const maxDepth = 100

/**
 * Returns JSON of a value that the driver decoded. It may hold integers that JSON does not have. Fields stand in the order of their names,
 * because the broker may change their order.
 */
export function jsonOf(value: unknown): string {
  const depths = new Map<unknown, number>()
  return JSON.stringify(value, function (this: unknown, _, part: unknown) {
    if (typeof part === 'bigint') return String(part)
    if (typeof part !== 'object' || part === null) return part
    const depth = (depths.get(this) ?? 0) + 1
    if (depth > maxDepth) return null
    const shown = Array.isArray(part) ? part : sorted(part as Record<string, unknown>)
    depths.set(shown, depth)
    return shown
  })
}

function sorted(table: Record<string, unknown>): Record<string, unknown> {
  const fields: Record<string, unknown> = Object.create(null)
  for (const name of Object.keys(table).sort()) fields[name] = table[name]
  return fields
}

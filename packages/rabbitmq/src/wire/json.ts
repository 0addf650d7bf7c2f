/** Tables nested deeper than this are left out: another program may nest them deeper than the stack allows. */
const maxDepth = 100

/** Returns JSON of a value that the driver decoded. It may hold integers that JSON does not have. */
export function jsonOf(value: unknown): string {
  const depths = new Map<unknown, number>()
  return JSON.stringify(value, function (this: unknown, _, part: unknown) {
    if (typeof part === 'bigint') return String(part)
    if (typeof part !== 'object' || part === null) return part
    const depth = (depths.get(this) ?? 0) + 1
    if (depth > maxDepth) return null
    depths.set(part, depth)
    return part
  })
}

import { createHash } from 'node:crypto'

const maxIdBytes = 255

/** Derives an id: the same two texts always give the same one. It is readable unless it would be too long. */
export function derivedId(id: string, suffix: string): string {
  const derived = `${id}/${suffix}`
  return Buffer.byteLength(derived) <= maxIdBytes ? derived : createHash('sha256').update(derived).digest('hex')
}

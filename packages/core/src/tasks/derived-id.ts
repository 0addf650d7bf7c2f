import { createHash } from 'node:crypto'

const maxIdBytes = 255

/** Readable while it fits; the same two always give the same id. */
export function derivedId(id: string, suffix: string): string {
  const derived = `${id}/${suffix}`
  return Buffer.byteLength(derived) <= maxIdBytes ? derived : createHash('sha256').update(derived).digest('hex')
}

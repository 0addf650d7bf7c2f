import { unescaped } from '../schema/components.js'
import { isReference } from './equal.js'

/** Follows references within a document. A reference that leads nowhere, or in a circle, is a schema that takes everything. */
export function resolver(document: unknown): (value: unknown) => unknown {
  const resolve = (value: unknown): unknown => {
    let found = value
    for (let steps = 0; steps < maxSteps; steps += 1) {
      if (!isReference(found)) return found
      found = at(document, found.$ref)
    }
    return undefined
  }
  return resolve
}

/** References that lead to references. */
const maxSteps = 100

function at(document: unknown, reference: string): unknown {
  if (!reference.startsWith('#')) return undefined
  let found = document
  for (const part of reference.slice(1).split('/').slice(1)) {
    if (typeof found !== 'object' || found === null) return undefined
    found = (found as Readonly<Record<string, unknown>>)[unescaped(part)]
  }
  return found
}

import { isObject } from '../schema/json-schema.js'
import { type Alternative, alternativesOf, isAnnotation, unclearMark } from './alternatives.js'
import type { Gap } from './change.js'
import { hasReference, isEqual, isSameSchema } from './equal.js'
import { itemGaps } from './items.js'
import { propertyGaps } from './properties.js'
import { limitGaps, typeGaps, typeOfAlternative } from './scalars.js'

/** The schemas of what is written and of what is read, at one place. */
export interface Pair {
  readonly written: unknown
  readonly read: unknown
  readonly path: string
}

export interface Comparison {
  readonly resolveWritten: (value: unknown) => unknown
  readonly resolveRead: (value: unknown) => unknown
  /**
   * True if the reader is the old one. It misses a property that the writer no longer knows, even if it can do without. A new reader has
   * such a property `added`, which is no gap.
   */
  readonly isForReaders: boolean
}

/** Compares one place of two schemas with those below it. */
export type Compare = (pair: Pair) => readonly Gap[]

/** So many places are compared. Schemas that refer to themselves in several ways could go on for ever. */
const maxSteps = 20_000

/**
 * Returns where data that is valid for the written schema may be invalid for the read one. It never overlooks such a place among the
 * keywords of draft 7, except that `oneOf` counts as `anyOf`. A place that it cannot judge counts as a gap.
 */
export function gapsBetween(
  schemas: { readonly written: unknown; readonly read: unknown },
  comparison: Comparison,
): readonly Gap[] {
  const open = new Set<string>()
  let steps = 0

  const compare: Compare = (pair) => {
    steps += 1
    if (steps > maxSteps) return [unclear(pair.path)]
    const key = pairKey(pair)
    if (key === undefined) return compareParts(pair)
    // This pair is being compared further out, and holds here if it holds there.
    if (open.has(key)) return []
    open.add(key)
    const found = compareParts(pair)
    open.delete(key)
    return found
  }

  const compareParts: Compare = ({ written, read, path }) => {
    const { resolveWritten, resolveRead } = comparison
    const taken = alternativesOf(read, resolveRead)
    if (taken.some((one) => Object.keys(one).every(isAnnotation) && !(unclearMark in one))) return []
    const given = alternativesOf(written, resolveWritten)
    if ([...given, ...taken].some((one) => unclearMark in one)) {
      return isSameSchema(written, read, comparison) ? [] : [unclear(path)]
    }
    return unique(
      given.flatMap((one) => {
        const tries = taken.map((other) => ofAlternatives(one, other, path))
        return bestOf(tries, { written: one, path, isOneOfSeveral: given.length > 1 })
      }),
    )
  }

  const ofAlternatives = (written: Alternative, read: Alternative, path: string): readonly Gap[] => {
    const types = typeGaps(written, read)
    if (types.length > 0) return types.map((part) => ({ path, ...part }))
    const type = typeOfAlternative(written)
    const parts = { written: asSchema(written), read, path }
    return [
      ...limitGaps(written, read).map((part) => ({ path, ...part })),
      ...(type === 'object' || type === 'any type' ? propertyGaps(parts, comparison, compare) : []),
      ...(type === 'array' || type === 'any type' ? itemGaps(parts, compare) : []),
      ...uncompared(written, read, comparison).map(() => unclear(path)),
    ]
  }
  return compare({ ...schemas, path: '' })
}

/** The keywords that are taken apart, here or by `alternativesOf`. */
const compared =
  /^(?:type|const|properties|required|additionalProperties|items|additionalItems|multipleOf|uniqueItems|pattern|format|(?:exclusiveM|m)(?:in|ax)imum|m(?:in|ax)(?:Length|Items|Properties))$/

/** Returns the keywords of the reader that are only compared as they stand, and that differ. */
const uncompared = (written: Alternative, read: Alternative, comparison: Comparison): readonly string[] =>
  Object.keys(read).filter((keyword) => {
    if (compared.test(keyword) || isAnnotation(keyword)) return false
    if (keyword === 'propertyNames' && isEqual(read[keyword], { type: 'string' })) return false
    return !isSameSchema(written[keyword], read[keyword], comparison)
  })

/** A value that must not be looked into by its schema is an object or a list of which nothing else is known. */
const asSchema = (written: Alternative): Alternative => {
  const value = written.const
  if (isObject(value)) {
    const properties = Object.fromEntries(Object.entries(value).map(([name, content]) => [name, { const: content }]))
    return { type: 'object', properties, required: Object.keys(value), additionalProperties: false }
  }
  if (!Array.isArray(value)) return written
  const items = value.map((content) => ({ const: content }))
  return { type: 'array', items, additionalItems: false, minItems: items.length, maxItems: items.length }
}

const unclear = (path: string): Gap => ({ path, kind: 'unclear', written: '', read: '' })

const weights: Readonly<Partial<Record<Gap['kind'], number>>> = { type: 10, values: 10, added: 0.01 }

interface Tried {
  readonly written: Alternative
  readonly path: string
  readonly isOneOfSeveral: boolean
}

/** Returns the gaps to the alternative that fits best. Another type or value means that another alternative was meant. */
function bestOf(tries: readonly (readonly Gap[])[], { written, path, isOneOfSeveral }: Tried): readonly Gap[] {
  const weight = (gaps: readonly Gap[]): number => gaps.reduce((sum, { kind }) => sum + (weights[kind] ?? 1), 0)
  const [best] = [...tries].sort((one, other) => weight(one) - weight(other))
  if (best === undefined) return [{ path, kind: 'type', written: typeOfAlternative(written), read: 'nothing' }]
  const values = best.filter(({ kind }) => kind === 'values')
  // A value by which alternatives are told apart says enough: nobody reads this one.
  return isOneOfSeveral && values.length > 0 ? values : best
}

const unique = (gaps: readonly Gap[]): readonly Gap[] => {
  const known = new Set<string>()
  return gaps.filter((gap) => {
    const key = JSON.stringify(gap)
    const isNew = !known.has(key)
    known.add(key)
    return isNew
  })
}

/** Names a pair of schemas that refer to others, by which it is known again. Only such schemas can contain themselves. */
const pairKey = ({ written, read }: Pair): string | undefined =>
  hasReference(written) || hasReference(read) ? JSON.stringify([written, read]) : undefined

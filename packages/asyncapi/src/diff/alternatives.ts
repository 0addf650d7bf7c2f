import { isObject, type JsonSchema } from '../schema/json-schema.js'
import { isEqual } from './equal.js'

type Resolve = (value: unknown) => unknown

/** A schema without references at its root and without `allOf`, `anyOf`, `oneOf` and `enum`. It has one type, or none. */
export type Alternative = JsonSchema

/** Stands in a schema that could not be taken apart. */
export const unclearMark = 'x-mq-unclear'

/** A schema that is a part of itself, and not of its properties, has no end. */
const maxDepth = 30

/** More alternatives than this are not taken apart. */
const maxAlternatives = 500

/**
 * Takes a schema apart: data is valid if it is valid for one of the alternatives. `oneOf` counts as `anyOf`. Returns none for a schema
 * that takes nothing.
 */
export function alternativesOf(given: unknown, resolve: Resolve, depth = 0): readonly Alternative[] {
  if (depth > maxDepth) return [{ [unclearMark]: true }]
  const schema = resolve(given)
  if (schema === false) return []
  if (!isObject(schema)) return [{}]
  const { allOf, anyOf, oneOf, ...own } = schema
  let found: readonly Alternative[] = [own]
  for (const part of asList(allOf)) found = crossed(found, alternativesOf(part, resolve, depth + 1))
  for (const choice of [anyOf, oneOf]) {
    if (!Array.isArray(choice)) continue
    found = crossed(
      found,
      choice.flatMap((part) => alternativesOf(part, resolve, depth + 1)),
    )
  }
  const split = found.flatMap(byValue).flatMap(byType)
  return split.length <= maxAlternatives ? split : [{ [unclearMark]: true }]
}

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const crossed = (some: readonly Alternative[], others: readonly Alternative[]): readonly Alternative[] =>
  some.length * others.length > maxAlternatives
    ? [{ [unclearMark]: true }]
    : some.flatMap((one) =>
        others.flatMap((other): readonly Alternative[] => {
          const both = merged(one, other)
          return both === undefined ? [] : [both]
        }),
      )

function byValue(schema: Alternative): readonly Alternative[] {
  const { enum: values, ...rest } = schema
  return Array.isArray(values) ? values.map((value) => ({ ...rest, const: value })) : [schema]
}

function byType(schema: Alternative): readonly Alternative[] {
  return Array.isArray(schema.type) ? schema.type.map((type) => ({ ...schema, type })) : [schema]
}

/** Keywords that say nothing about what is valid. */
const annotations: readonly string[] = [
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  '$comment',
  'externalDocs',
  'discriminator',
  '$id',
  '$schema',
  'definitions',
  '$defs',
]

export const isAnnotation = (keyword: string): boolean => annotations.includes(keyword) || keyword.startsWith('x-')

/** Returns the schema of what is valid for both, or undefined if nothing can be. What cannot be put together is marked as unclear. */
function merged(one: Alternative, other: Alternative): Alternative | undefined {
  const both: Record<string, unknown> = { ...one }
  for (const [keyword, value] of Object.entries(other)) {
    const present = both[keyword]
    if (present === undefined || isAnnotation(keyword) || isEqual(present, value)) {
      both[keyword] = value
      continue
    }
    const together = joined(keyword, present, value)
    if (together === nothing) return undefined
    if (together === undefined) both[unclearMark] = true
    else both[keyword] = together
  }
  // Additional properties are those that the same schema does not name.
  const isClosed = [one, other].some(({ additionalProperties = true }) => additionalProperties !== true)
  const isShared = [one, other].every(({ properties }) => properties !== undefined)
  if (isClosed && isShared && !isEqual(one.properties, other.properties)) both[unclearMark] = true
  return both
}

const nothing = Symbol('nothing is valid')

function joined(keyword: string, one: unknown, other: unknown): unknown {
  if (keyword === 'required') return [...new Set([...asList(one), ...asList(other)])]
  if (keyword === 'type') return typesOfBoth(asTypes(one), asTypes(other))
  if (keyword === 'const') return nothing
  if (/^(?:minimum|exclusiveMinimum|min(?:Length|Items|Properties))$/.test(keyword))
    return Math.max(Number(one), Number(other))
  if (/^(?:maximum|exclusiveMaximum|max(?:Length|Items|Properties))$/.test(keyword))
    return Math.min(Number(one), Number(other))
  if (keyword !== 'properties' || !isObject(one) || !isObject(other)) return undefined
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return Object.fromEntries(
    [...names].map((name) => {
      const parts = [one, other].flatMap((properties) => (name in properties ? [properties[name]] : []))
      return [name, parts.length === 1 ? parts[0] : { allOf: parts }]
    }),
  )
}

const asTypes = (type: unknown): readonly string[] => (Array.isArray(type) ? type : [String(type)])

function typesOfBoth(some: readonly string[], others: readonly string[]): unknown {
  const common = some.flatMap((type) => {
    if (others.includes(type)) return [type]
    if (type === 'integer' && others.includes('number')) return ['integer']
    return type === 'number' && others.includes('integer') ? ['integer'] : []
  })
  if (common.length === 0) return nothing
  return common.length === 1 ? common[0] : common
}

import { isDeepStrictEqual } from 'node:util'
import { isObject } from '../schema/json-schema.js'

export const isEqual = (one: unknown, other: unknown): boolean => isDeepStrictEqual(one, other)

type Resolve = (value: unknown) => unknown

export const isReference = (value: unknown): value is { readonly $ref: string } =>
  isObject(value) && typeof value.$ref === 'string'

/** Returns whether a value is a reference or holds one. */
export const hasReference = (value: unknown): boolean => {
  if (Array.isArray(value)) return value.some(hasReference)
  if (!isObject(value)) return false
  return isReference(value) || Object.values(value).some(hasReference)
}

interface Resolvers {
  readonly resolveWritten: Resolve
  readonly resolveRead: Resolve
}

/** Returns whether two schemas are equal with all that they refer to. Equal references of two documents may lead to different schemas. */
export function isSameSchema(written: unknown, read: unknown, resolvers: Resolvers): boolean {
  const known = new Set<string>()
  const isSame = (one: unknown, other: unknown): boolean => {
    if (isReference(one) || isReference(other)) {
      const pair = JSON.stringify([one, other])
      if (known.has(pair)) return true
      known.add(pair)
      return isSame(resolvers.resolveWritten(one), resolvers.resolveRead(other))
    }
    if (Array.isArray(one) && Array.isArray(other)) {
      return one.length === other.length && one.every((item, index) => isSame(item, other[index]))
    }
    if (!isObject(one) || !isObject(other)) return isEqual(one, other)
    const names = new Set([...Object.keys(one), ...Object.keys(other)])
    return [...names].every((name) => name in one && name in other && isSame(one[name], other[name]))
  }
  return isSame(written, read)
}

/** Shows a value of a schema, shortened. */
export function shownValue(value: unknown): string {
  if (value === undefined) return 'none'
  const text = JSON.stringify(value)
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`
}

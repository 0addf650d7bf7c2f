import { isDeepStrictEqual } from 'node:util'
import { isObject } from '../schema/json-schema.js'

export const isEqual = (one: unknown, other: unknown): boolean => isDeepStrictEqual(one, other)

/** Returns whether a value refers to another one. Equal references of two documents may lead to different schemas. */
export const hasReference = (value: unknown): boolean => {
  if (Array.isArray(value)) return value.some(hasReference)
  if (!isObject(value)) return false
  return typeof value.$ref === 'string' || Object.values(value).some(hasReference)
}

/** Shows a value of a schema, shortened. */
export function shownValue(value: unknown): string {
  if (value === undefined) return 'none'
  const text = JSON.stringify(value)
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`
}

import type { StandardSchema } from '@mq/core'
import { isObject, type JsonSchema } from './json-schema.js'

/** Makes a JSON Schema of draft 7 of what a publisher gives to a schema, or returns undefined. */
export type ToJsonSchema = (schema: StandardSchema) => JsonSchema | undefined

/** The JSON Schema of a message, or the reason why there is none. */
export type Offered = { readonly schema: JsonSchema } | { readonly missing: string }

/** The part of Standard JSON Schema, version 1, that is used here. */
interface Convertible {
  readonly '~standard': {
    readonly jsonSchema?: { input(options: { readonly target: 'draft-07' }): Record<string, unknown> }
  }
}

const advice = 'give one by hand, or convert it with toJsonSchema'

const isStandardSchema = (value: unknown): value is StandardSchema =>
  ((typeof value === 'object' && value !== null) || typeof value === 'function') && '~standard' in value

/**
 * Returns what a schema says of itself as JSON Schema. It describes data as it is published, because a message holds that: defaults and
 * transformations apply when it is handled.
 */
export function offeredSchema(
  given: StandardSchema | JsonSchema | undefined,
  toJsonSchema: ToJsonSchema | undefined,
): Offered {
  if (given === undefined) return { missing: `there is no schema; ${advice}` }
  if (!isStandardSchema(given)) return { schema: given }
  const { vendor } = given['~standard']
  try {
    const converted = toJsonSchema?.(given)
    if (converted !== undefined) return { schema: converted }
    const offered = (given as unknown as Convertible)['~standard'].jsonSchema?.input({ target: 'draft-07' })
    if (isObject(offered)) return { schema: offered }
  } catch (error) {
    return { missing: `${vendor} makes no JSON Schema of it (${firstLine(error)}); ${advice}` }
  }
  return { missing: `this schema of ${vendor} offers no JSON Schema; ${advice}` }
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] as string

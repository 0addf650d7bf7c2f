import fc from 'fast-check'
import type { JsonSchema } from '../../src/index.js'

const any: fc.Arbitrary<unknown> = fc.constantFrom('x', '', 'abcdef', 0, 1.5, 7, true, null, [], ['x'], {}, { a: 1 })

const date = fc.constantFrom('2026-01-02', '1999-12-31')

/** Data for a schema of `schemas`. Most of it is valid; what is not has to be left out. */
export function samplesOf(schema: JsonSchema | boolean): fc.Arbitrary<unknown> {
  if (typeof schema === 'boolean') return any
  if (Array.isArray(schema.allOf)) return samplesOf(schema.allOf[0])
  if (Array.isArray(schema.anyOf)) return fc.oneof(...schema.anyOf.map(samplesOf))
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum)
  if ('const' in schema) return fc.constant(schema.const)
  if (Array.isArray(schema.type)) return fc.oneof(...schema.type.map((type) => samplesOf({ ...schema, type })))
  return ofType(schema)
}

function ofType(schema: JsonSchema): fc.Arbitrary<unknown> {
  const { type, minLength = 0, maxLength = 6 } = schema as { type?: string; minLength?: number; maxLength?: number }
  switch (type) {
    case 'string':
      return schema.format === 'date'
        ? date
        : fc
            .stringMatching(/^[a-c]*$/)
            .map((text) => text.slice(0, maxLength))
            .map((text) => text.padEnd(minLength, 'z'))
    case 'integer':
      return fc.integer({ min: -5, max: 9 })
    case 'number':
      return fc.integer({ min: -10, max: 18 }).map((half) => half / 2)
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return items(schema)
    case 'object':
      return properties(schema)
    default:
      return any
  }
}

function items({ items: of, minItems = 0, maxItems = 3 }: JsonSchema): fc.Arbitrary<unknown> {
  if (Array.isArray(of)) return fc.tuple(...of.map(samplesOf))
  return fc.array(samplesOf(of as JsonSchema), { minLength: Number(minItems), maxLength: Number(maxItems) })
}

function properties({
  properties: named = {},
  required = [],
  additionalProperties,
}: JsonSchema): fc.Arbitrary<unknown> {
  const parts = Object.entries(named as Readonly<Record<string, JsonSchema>>)
  const known = fc.record(Object.fromEntries(parts.map(([name, part]) => [name, samplesOf(part)])), {
    requiredKeys: required as string[],
  })
  // Fields that the schema does not name are written where they are described. Elsewhere nobody writes them.
  if (typeof additionalProperties !== 'object') return known.map((data) => ({ ...data }))
  const others = fc.dictionary(fc.constantFrom('d', 'e'), samplesOf(additionalProperties as JsonSchema), { maxKeys: 2 })
  return fc.tuple(others, known).map(([more, data]) => ({ ...more, ...data }))
}

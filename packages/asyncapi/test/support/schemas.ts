import fc from 'fast-check'
import type { JsonSchema } from '../../src/index.js'

type Arbitrary = fc.Arbitrary<JsonSchema>

const names = ['a', 'b', 'c'] as const

const text: Arbitrary = fc
  .record({ minLength: fc.nat(2), more: fc.nat(3), isBound: fc.boolean(), format: fc.constantFrom(undefined, 'date') })
  .map(({ minLength, more, isBound, format }) =>
    format === undefined
      ? { type: 'string', ...(isBound && { minLength, maxLength: minLength + more }) }
      : { type: 'string', format },
  )

const figure: Arbitrary = fc
  .record({
    type: fc.constantFrom('integer', 'number'),
    low: fc.integer({ min: -3, max: 3 }),
    more: fc.integer({ min: 1, max: 4 }),
    lower: fc.constantFrom('minimum', 'exclusiveMinimum', undefined),
    upper: fc.constantFrom('maximum', 'exclusiveMaximum', undefined),
  })
  .map(({ type, low, more, lower, upper }) => ({
    type,
    ...(lower && { [lower]: low }),
    ...(upper && { [upper]: low + more + 1 }),
  }))

const value = fc.constantFrom('x', 'y', 1, 2, true, null)
const leaf: Arbitrary = fc.oneof(
  text,
  figure,
  fc.constantFrom({ type: 'boolean' }, { type: 'null' }, { type: ['string', 'null'] }, { type: ['number', 'boolean'] }),
  fc.uniqueArray(value, { minLength: 1, maxLength: 3 }).map((values) => ({ enum: values })),
  value.map((one) => ({ const: one })),
)

const record = (part: Arbitrary): Arbitrary =>
  fc
    .record({
      properties: fc.dictionary(fc.constantFrom(...names), part, { maxKeys: 3 }),
      required: fc.uniqueArray(fc.constantFrom(...names), { maxLength: 3 }),
      others: fc.oneof(fc.constantFrom(undefined, true, false), part),
    })
    .map(({ properties, required, others }) => ({
      type: 'object',
      // A dictionary of fast-check may have no prototype, and a JSON document has none like that.
      properties: { ...properties },
      required: required.filter((name) => name in properties),
      ...(others !== undefined && { additionalProperties: others }),
    }))

const list = (part: Arbitrary): Arbitrary =>
  fc.oneof(
    fc
      .record({ items: part, minItems: fc.nat(1), more: fc.nat(2), isBound: fc.boolean() })
      .map(({ items, minItems, more, isBound }) => ({
        type: 'array',
        items,
        ...(isBound && { minItems, maxItems: minItems + more }),
      })),
    fc.array(part, { minLength: 1, maxLength: 2 }).map((items) => ({
      type: 'array',
      items,
      additionalItems: false,
      minItems: items.length,
    })),
  )

/** Any schema of the keywords that are compared. */
export const schemas: Arbitrary = fc.letrec<{ schema: JsonSchema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    leaf,
    record(tie('schema')),
    list(tie('schema')),
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
    tie('schema').map((part) => ({ allOf: [part, { title: 'a part' }] })),
  ),
})).schema

/** Two schemas that have much in common: the second one is the first one after a few changes. */
export const pairs: fc.Arbitrary<readonly [JsonSchema, JsonSchema]> = fc
  .tuple(schemas, fc.array(fc.tuple(fc.nat(), schemas, fc.nat(5)), { maxLength: 2 }))
  .map(([schema, edits]) => [schema, edits.reduce((edited, [at, other, how]) => edit(edited, at, other, how), schema)])

/** Changes one place of a schema. */
function edit(schema: JsonSchema, at: number, other: JsonSchema, how: number): JsonSchema {
  const { properties, required, items, anyOf } = schema as {
    readonly properties?: Readonly<Record<string, JsonSchema>>
    readonly required?: readonly string[]
    readonly items?: JsonSchema
    readonly anyOf?: readonly JsonSchema[]
  }
  if (how === 0) return other
  if (how === 1) return { anyOf: [schema, other] }
  if (anyOf !== undefined) {
    const index = at % anyOf.length
    if (how === 2 && anyOf.length > 1) return { anyOf: anyOf.filter((_, each) => each !== index) }
    return { anyOf: anyOf.map((part, each) => (each === index ? edit(part, at, other, how - 1) : part)) }
  }
  if (items !== undefined && !Array.isArray(items)) return { ...schema, items: edit(items, at, other, how - 1) }
  if (properties === undefined) return other
  const name = names[at % names.length] as string
  const { [name]: present, ...rest } = properties
  if (how === 2) return { ...schema, properties: rest, required: required?.filter((each) => each !== name) }
  if (how === 3) return { ...schema, required: required?.filter((each) => each !== name) }
  if (how === 4 && present !== undefined) return { ...schema, required: [...new Set([...(required ?? []), name])] }
  return {
    ...schema,
    properties: { ...properties, [name]: present === undefined ? other : edit(present, at, other, 0) },
  }
}

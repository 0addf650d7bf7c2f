/** A JSON Schema of draft 7, the draft that AsyncAPI takes. */
export interface JsonSchema {
  readonly [keyword: string]: unknown
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Keywords whose value is data, in which nothing is a schema. */
const dataKeywords = ['const', 'default', 'enum', 'examples']

/** Keywords whose value has schemas under names of the author's choice. */
const namedSchemas = ['properties', 'patternProperties', 'definitions', '$defs', 'dependencies', 'dependentSchemas']

/** Returns a copy of a schema in which every `$ref` is replaced. */
export function withReferences<Value>(schema: Value, replace: (reference: string) => string): Value {
  if (Array.isArray(schema)) return schema.map((item) => withReferences(item, replace)) as Value
  if (!isObject(schema)) return schema
  const entries = Object.entries(schema).map(([keyword, value]) => {
    if (keyword === '$ref' && typeof value === 'string') return [keyword, replace(value)]
    if (dataKeywords.includes(keyword)) return [keyword, value]
    if (!namedSchemas.includes(keyword) || !isObject(value)) return [keyword, withReferences(value, replace)]
    const named = Object.entries(value).map(([name, part]) => [name, withReferences(part, replace)])
    return [keyword, Object.fromEntries(named)]
  })
  return Object.fromEntries(entries) as Value
}

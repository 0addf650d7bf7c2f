import { isObject, type JsonSchema, withReferences } from './json-schema.js'

/** The schemas of a document, by their names below `#/components/schemas`. */
export type Schemas = Record<string, JsonSchema>

const place = '#/components/schemas/'

/** Returns a reference to a schema of the document. */
export const referenceTo = (name: string): { readonly $ref: string } => ({ $ref: place + name })

/**
 * Puts a schema and its definitions among those of the document. References inside it begin at its own root, and the document has
 * another one, so they are made anew.
 */
export function addSchema(schemas: Schemas, name: string, schema: JsonSchema): { readonly $ref: string } {
  const { $schema: _, $id: __, definitions, $defs, ...own } = schema
  const parts = Object.entries({ ...asRecord(definitions), ...asRecord($defs) })
  const names = new Map(parts.map(([part], index) => [part, `${name}--${plain(part) ?? index}`]))
  const moved = (reference: string): string => {
    // References to the document stay as they are, and so do those to other places.
    if (!reference.startsWith('#') || reference.startsWith('#/components/')) return reference
    const [root = '', part, ...rest] = reference.slice(1).split('/').slice(1)
    const known = root === 'definitions' || root === '$defs' ? names.get(unescaped(part ?? '')) : undefined
    if (known !== undefined) return [place + known, ...rest].join('/')
    return [place + name, ...reference.slice(1).split('/').slice(1)].join('/')
  }
  schemas[name] = withReferences(own, moved)
  for (const [part, content] of parts) schemas[names.get(part) as string] = withReferences(content, moved) as JsonSchema
  return referenceTo(name)
}

const asRecord = (value: unknown): Readonly<Record<string, unknown>> => (isObject(value) ? value : {})

/** Returns the name of a definition if it can be a part of a component's name. */
const plain = (part: string): string | undefined => (/^[\w.-]+$/.test(part) ? part : undefined)

/** Undoes the escapes of a JSON pointer in a URI. */
export const unescaped = (part: string): string => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')

import { parseDocument, stringify } from 'yaml'
import type { AsyncapiDocument } from './document/types.js'
import { isObject } from './schema/json-schema.js'

/** Writes a document as JSON for people, or as YAML. */
export const documentText = (document: AsyncapiDocument, format: 'json' | 'yaml' = 'json'): string =>
  format === 'json' ? `${JSON.stringify(document, null, 2)}\n` : stringify(document, { aliasDuplicateObjects: false })

/**
 * Reads a document from JSON or YAML. It is not validated as a whole. Throws a `TypeError` that says why the text is no document of
 * AsyncAPI 3.
 */
export function readDocument(text: string): AsyncapiDocument {
  // JSON is YAML as well. Aliases are bounded, so that a small text makes no huge object.
  const parsed = parseDocument(text)
  const [error] = parsed.errors
  if (error !== undefined) throw new TypeError(`It is neither JSON nor YAML: ${error.message.split('\n')[0]}`)
  const value: unknown = parsed.toJS({ maxAliasCount: 100 })
  if (!isObject(value) || typeof value.asyncapi !== 'string') throw new TypeError('It is no AsyncAPI document')
  if (!/^3\./.test(value.asyncapi)) throw new TypeError(`It is AsyncAPI ${value.asyncapi.slice(0, 20)}; 3 is needed`)
  return value as unknown as AsyncapiDocument
}

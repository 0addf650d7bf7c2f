import type { JsonSchema } from '../schema/json-schema.js'

/** An object of a document, as the AsyncAPI specification describes it. */
export interface DocumentPart {
  readonly [member: string]: unknown
}

/** A document of AsyncAPI 3.0. */
export interface AsyncapiDocument {
  readonly asyncapi: '3.0.0'
  readonly info: { readonly title: string; readonly version: string; readonly description?: string }
  readonly defaultContentType: 'application/json'
  readonly servers?: Readonly<Record<string, DocumentPart>>
  readonly channels: Readonly<Record<string, DocumentPart>>
  readonly operations: Readonly<Record<string, DocumentPart>>
  readonly components: {
    readonly messages: Readonly<Record<string, DocumentPart>>
    readonly schemas: Readonly<Record<string, JsonSchema>>
  }
}

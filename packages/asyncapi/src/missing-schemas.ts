import type { AsyncapiDocument } from './document/types.js'

/** A message of a document whose payload is not described. */
export interface MissingSchema {
  readonly message: string
  readonly reason: string
}

/** Lists the messages of a document whose schemas offer no JSON Schema. The results of tasks are not among them. */
export const missingSchemas = (document: AsyncapiDocument): readonly MissingSchema[] =>
  Object.entries(document.components.messages).flatMap(([message, { 'x-mq-no-schema': reason }]) =>
    typeof reason === 'string' ? { message, reason } : [],
  )

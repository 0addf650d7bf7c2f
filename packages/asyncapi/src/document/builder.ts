import type { StandardSchema } from '@mq/core'
import { bindingsOf, type Forms } from '../brokers/forms.js'
import { anyHeaders, type MessageKind } from '../brokers/headers.js'
import { addSchema, referenceTo, type Schemas } from '../schema/components.js'
import type { JsonSchema } from '../schema/json-schema.js'
import { offeredSchema, type ToJsonSchema } from '../schema/offered.js'
import type { DocumentPart } from './types.js'

/** A document while it is written. */
export interface Builder {
  readonly forms: Forms
  readonly channels: Record<string, DocumentPart>
  readonly operations: Record<string, DocumentPart>
  readonly messages: Record<string, DocumentPart>
  readonly schemas: Schemas
  readonly kinds: Set<MessageKind>
  readonly toJsonSchema: ToJsonSchema | undefined
}

export interface MessageParts {
  readonly name: string
  readonly description: string | undefined
  readonly schema: JsonSchema | StandardSchema | undefined
  /** Default: `application/json`. Null if it is not known. */
  readonly contentType?: string | null
  /** Undefined for a message of other programs. */
  readonly kind: MessageKind | undefined
  readonly more?: DocumentPart
}

/** Adds a message, and says in it why its payload has no schema if that is so. */
export function addMessage(builder: Builder, parts: MessageParts): void {
  const { name, description, schema, contentType = 'application/json', kind, more } = parts
  const { forms, messages, schemas } = builder
  const offered = offeredSchema(schema, builder.toJsonSchema)
  if (kind !== undefined) builder.kinds.add(kind)
  messages[name] = {
    name,
    ...(description !== undefined && { description }),
    ...(contentType !== null && { contentType }),
    ...(kind !== undefined && { headers: anyHeaders(forms, kind, referenceTo) }),
    ...('schema' in offered
      ? { payload: addSchema(schemas, name, offered.schema) }
      : { 'x-mq-no-schema': `The payload is not described: ${offered.missing}.` }),
    bindings: bindingsOf(forms, (form) => form.message()),
    ...more,
  }
}

export const toMessage = (name: string): object => ({ $ref: `#/components/messages/${name}` })

export const toChannel = (name: string): object => ({ $ref: `#/channels/${name}` })

/** Refers to a message of a channel, which is how operations name theirs. */
export const toMessageOf = (channel: string, message = channel): object => ({
  $ref: `#/channels/${channel}/messages/${message}`,
})

import type { EventDefinition, TaskTarget } from '@mq/core'
import type { AsyncapiDocument } from './document/types.js'
import { isObject } from './schema/json-schema.js'

/** The definitions that a module exports. */
export interface FoundDefinitions {
  readonly events: readonly EventDefinition[]
  readonly tasks: readonly TaskTarget[]
  /** The document that the module has made by itself with `asyncapi()`. */
  readonly document?: AsyncapiDocument
}

/** The members that `defineEvent` and `defineForeignTopic` make. */
const eventMembers: readonly string[] = ['name', 'schema', 'key', 'at', 'decode']

/**
 * Finds what `defineEvent`, `defineForeignTopic` and `defineTask` made, and objects that satisfy `Task`, among the exports of a module,
 * also in arrays and plain objects that it exports. A document among them counts instead of them all. The same definition under two
 * names counts once.
 */
export function definitionsIn(exported: unknown): FoundDefinitions {
  const values = isObject(exported) ? Object.values(exported) : []
  const document = values.find(isDocument)
  const found = new Set([...values, ...values.flatMap(membersOf)])
  return {
    events: [...found].filter(isEvent),
    tasks: [...found].filter(isTask),
    ...(document !== undefined && { document }),
  }
}

/** Lists what an exported list or record holds. Definitions have members of their own. */
function membersOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  if (!isObject(value) || isEvent(value) || isTask(value)) return []
  const prototype = Object.getPrototypeOf(value)
  // The default export of a CommonJS module is the module itself, and a namespace has no prototype.
  return prototype === Object.prototype || prototype === null ? Object.values(value) : []
}

const isDocument = (value: unknown): value is AsyncapiDocument =>
  isObject(value) && typeof value.asyncapi === 'string' && isObject(value.channels)

/** Definitions of events are frozen, which tells them from other objects that have a name. */
const isEvent = (value: unknown): value is EventDefinition =>
  isObject(value) &&
  Object.isFrozen(value) &&
  typeof value.name === 'string' &&
  Object.keys(value).every((member) => eventMembers.includes(member))

const isTask = (value: unknown): value is TaskTarget =>
  isObject(value) && typeof value.name === 'string' && typeof value.execute === 'function'

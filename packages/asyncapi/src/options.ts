import { type EventDefinition, MqError, type StandardSchema, type TaskTarget } from '@mq/core'
import { keysOf, requireKnownOptions, requireName } from '@mq/core/adapter'
import type { Broker } from './brokers/broker.js'
import { brokerNames, type Prefixes } from './brokers/forms.js'
import type { JsonSchema } from './schema/json-schema.js'
import type { ToJsonSchema } from './schema/offered.js'

/** An event, with what its definition does not say. */
export interface DescribedEvent {
  readonly event: EventDefinition
  /** The meaning of the event, for readers of the document. Default: none. */
  readonly description?: string | undefined
  /** The schema of its data, in place of that of the definition. Default: the definition's. */
  readonly schema?: JsonSchema | StandardSchema | undefined
  /** The groups in which the application handles it. Default: one operation that names no group. */
  readonly groups?: readonly string[] | undefined
  /** Whether the application publishes it. Default: true, and false for a topic of other programs. */
  readonly publishes?: boolean | undefined
}

/** A task, with what its definition does not say. */
export interface DescribedTask {
  readonly task: TaskTarget
  /** The purpose of the task, for readers of the document. Default: none. */
  readonly description?: string | undefined
  /** The schema of its input, in place of that of the definition. Default: the definition's. */
  readonly input?: JsonSchema | StandardSchema | undefined
  /** The schema of its result. Default: none, because a task does not define one. */
  readonly result?: JsonSchema | StandardSchema | undefined
}

export interface AsyncapiOptions {
  /** The name of the application. */
  readonly title: string
  /** The version of what the document describes. */
  readonly version: string
  /** A description of the application, in CommonMark. Default: none. */
  readonly description?: string | undefined
  /** The events that travel between programs. Default: none. */
  readonly events?: readonly (EventDefinition | DescribedEvent)[] | undefined
  /** The tasks that are enqueued. Default: none. */
  readonly tasks?: readonly (TaskTarget | DescribedTask)[] | undefined
  /** The brokers whose bindings, names and headers the document has. Default: those of `servers`, and all without any. */
  readonly brokers?: readonly Broker[] | undefined
  /** The option `prefix` of the adapters, by broker. Default: that of the adapter. */
  readonly prefixes?: Prefixes | undefined
  /** URLs as `openQueue` takes them, by a name of your choice. User, password and parameters are left out. Default: none. */
  readonly servers?: Readonly<Record<string, string>> | undefined
  /**
   * Makes a JSON Schema of draft 7 of a schema whose library offers none by itself, or returns undefined. It is asked first. Default:
   * `~standard.jsonSchema` of the schema.
   */
  readonly toJsonSchema?: ToJsonSchema | undefined
}

const optionNames = keysOf<AsyncapiOptions>()({
  title: true,
  version: true,
  description: true,
  events: true,
  tasks: true,
  brokers: true,
  prefixes: true,
  servers: true,
  toJsonSchema: true,
})

/** Throws a `TypeError` or `MQ_INVALID_OPTION` if an option has a bad value. */
export function requireOptions(options: AsyncapiOptions): void {
  requireKnownOptions(options, optionNames, 'asyncapi()')
  for (const name of ['title', 'version'] as const) {
    if (typeof options[name] !== 'string') throw new TypeError(`${name} must be a string, not ${typeof options[name]}`)
    if (options[name] === '') throw new MqError('MQ_INVALID_OPTION', `${name} must not be empty`)
  }
  for (const name of ['events', 'tasks', 'brokers'] as const) {
    if (options[name] !== undefined && !Array.isArray(options[name])) throw new TypeError(`${name} must be an array`)
  }
  const unknown = options.brokers?.find((broker) => !brokerNames.includes(broker))
  if (unknown === undefined) return
  throw new MqError('MQ_INVALID_OPTION', `brokers has ${brokerNames.join(', ')}, not '${unknown}'`)
}

export const describedEvent = (given: EventDefinition | DescribedEvent): DescribedEvent => {
  const described = 'event' in given ? given : { event: given }
  requireName((described.event as { name?: unknown } | undefined)?.name, 'name of an event')
  for (const group of described.groups ?? []) requireName(group, 'group')
  return described
}

export const describedTask = (given: TaskTarget | DescribedTask): DescribedTask => {
  const described = 'task' in given ? given : { task: given }
  requireName((described.task as { name?: unknown } | undefined)?.name, 'name of a task')
  return described
}

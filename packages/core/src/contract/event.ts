import { keysOf, refuseUnknown, requireOptions } from './checks/options.js'
import { shown } from './checks/shown.js'
import { requireFunction } from './checks/values.js'
import { requireName } from './names.js'
import { isStandardSchema, type SchemaInput, type SchemaOutput, type StandardSchema } from './schema.js'

/** A topic with the type of its data. Publishers give an `Input`; handlers get an `Output`. */
export interface EventDefinition<Input = unknown, Output = Input> {
  /** The topic and the CloudEvents `type`. */
  readonly name: string
  readonly schema?: StandardSchema<Input, Output>
  /** Computes the ordering key of a message that is published without one. */
  key?(data: Input): string
  /** Type-only: a task is no event, although it has a name. Always undefined at run time. */
  readonly execute?: undefined
  /** Type-only; always undefined at run time. */
  readonly types?: { readonly input: Input; readonly output: Output }
}

/** The type of the data that a handler of an event gets: `DataOf<typeof userCreated>`. */
export type DataOf<Event extends Pick<EventDefinition, 'types'>> = NonNullable<Event['types']>['output']

/** The type of the data that an event is published with. A schema that transforms the data makes `DataOf` of it. */
export type PublishedDataOf<Event extends Pick<EventDefinition, 'types'>> = NonNullable<Event['types']>['input']

interface EventOptions {
  readonly schema?: StandardSchema | undefined
  readonly key?: ((data: never) => string) | undefined
}

const optionNames = keysOf<EventOptions>()({ schema: true, key: true })

/**
 * Defines an event for publishers and subscribers. Data is validated when it is published and again when it is handled. The schema's
 * transformations apply to the handler's side only: the message holds the data as it was published.
 *
 * Throws `MQ_INVALID_NAME` for a name that cannot be a topic, and a `TypeError` if the schema is not a Standard Schema.
 */
export function defineEvent<Schema extends StandardSchema>(
  name: string,
  options: { readonly schema: Schema; readonly key?: ((data: SchemaInput<Schema>) => string) | undefined },
): EventDefinition<SchemaInput<Schema>, SchemaOutput<Schema>>
/** Defines an event whose data is typed but not validated. */
export function defineEvent<Data = unknown>(
  name: string,
  options?: { readonly schema?: undefined; readonly key?: ((data: Data) => string) | undefined },
): EventDefinition<Data>
export function defineEvent(name: string, options: EventOptions = {}): EventDefinition {
  requireName(name, 'name of the event')
  requireOptions(options, 'The options of defineEvent')
  refuseUnknown(options, optionNames, 'defineEvent')
  const { schema, key } = options
  if (schema !== undefined && !isStandardSchema(schema)) {
    throw new TypeError(`The schema of '${name}' must implement Standard Schema version 1, not ${shown(schema)}`)
  }
  if (key !== undefined) requireFunction(key, `The key of '${name}'`)
  return Object.freeze({ name, ...(schema && { schema }), ...(key && { key }) })
}

import { keysOf, refuseUnknown, requireFunction, requireOptions, shown } from './checks.js'
import { requireName } from './names.js'
import { isStandardSchema, type SchemaInput, type SchemaOutput, type StandardSchema } from './schema.js'

/** A topic with the type of its data: `Input` is what may be published, `Output` what a handler gets. */
export interface EventDefinition<Input = unknown, Output = Input> {
  /** The topic, and the CloudEvents `type`. */
  readonly name: string
  readonly schema?: StandardSchema<Input, Output>
  /** The ordering key of a message whose publisher gives none. */
  key?(data: Input): string
  /** Never there: it carries the types of an event without a schema. */
  readonly types?: { readonly input: Input; readonly output: Output }
}

interface EventOptions {
  readonly schema?: StandardSchema | undefined
  key?(data: unknown): string
}

const optionNames = keysOf<EventOptions>()({ schema: true, key: true })

/**
 * One value for publisher and subscriber. Data is validated on both sides: as it is published, and, with the schema's
 * transformations, as it is handled. What travels is what was published.
 *
 * Throws `MQ_INVALID_NAME` for a name that cannot be a topic, a `TypeError` for what is no Standard Schema.
 */
export function defineEvent<Schema extends StandardSchema>(
  name: string,
  options: { readonly schema: Schema; key?(data: SchemaInput<Schema>): string },
): EventDefinition<SchemaInput<Schema>, SchemaOutput<Schema>>
/** An event whose data is typed but not validated. */
export function defineEvent<Data = unknown>(
  name: string,
  options?: { readonly schema?: undefined; key?(data: Data): string },
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

import { keysOf, refuseUnknown, requireOptions } from './checks/options.js'
import { shown } from './checks/shown.js'
import { MqError } from './errors.js'
import type { EventDefinition } from './event.js'
import { isWellFormed, requireName } from './names.js'
import { isStandardSchema, type SchemaOutput, type StandardSchema } from './schema.js'

/**
 * Names something at the broker that another program owns, exactly as the broker names it. A text is the name of a Kafka topic, the key
 * of a Redis stream, or the name of a RabbitMQ queue. The adapter never creates, trims, reconfigures or deletes it.
 */
export type ForeignPlace = string | ForeignExchange | ForeignStream

/** An exchange of RabbitMQ. Every group gets a queue of its own, which is bound with this routing key. */
export interface ForeignExchange {
  readonly exchange: string
  /** The key of the binding. A topic exchange knows patterns, `order.#` for example, and a fanout exchange ignores it. */
  readonly routingKey: string
}

/** A Redis stream whose entries hold the message in one field. The other fields become headers. */
export interface ForeignStream {
  readonly stream: string
  readonly field: string
}

/**
 * How a body becomes `message.data`: parsed as JSON, as a text in UTF-8, or as the bytes that were written. It overrides the content
 * type of the message.
 */
export type Decoding = 'json' | 'text' | 'bytes'

/** A topic that another program owns and writes. It can be subscribed to. Publishing to it is refused. */
export interface ForeignTopic<Output = unknown> extends EventDefinition<never, Output> {
  readonly at: ForeignPlace
  /** Default: as the content type of each message says, and JSON without one. */
  readonly decode?: Decoding
}

interface ForeignOptions {
  readonly at: ForeignPlace
  readonly decode?: Decoding | undefined
  readonly schema?: StandardSchema | undefined
}

const optionNames = keysOf<ForeignOptions>()({ at: true, decode: true, schema: true })

/**
 * Defines a topic that other programs own and write, for every call that takes an event definition. `name` is yours to choose. Retries
 * and dead letters are stored under it, so it names one place only. The schema gets the decoded data.
 * See docs/decisions/0007-foreign-topics.md.
 *
 * Throws `MQ_INVALID_NAME` if the name cannot be a topic. Throws `MQ_INVALID_OPTION` or a `TypeError` if an option has a bad value.
 */
export function defineForeignTopic<Schema extends StandardSchema>(
  name: string,
  options: { readonly at: ForeignPlace; readonly decode?: Decoding | undefined; readonly schema: Schema },
): ForeignTopic<SchemaOutput<Schema>>
/** Defines a foreign topic whose data is the bytes of each body. */
export function defineForeignTopic(
  name: string,
  options: { readonly at: ForeignPlace; readonly decode: 'bytes'; readonly schema?: undefined },
): ForeignTopic<Uint8Array>
/** Defines a foreign topic whose data is the text of each body. */
export function defineForeignTopic(
  name: string,
  options: { readonly at: ForeignPlace; readonly decode: 'text'; readonly schema?: undefined },
): ForeignTopic<string>
/** Defines a foreign topic whose data is typed but not validated. */
export function defineForeignTopic<Data = unknown>(
  name: string,
  options: { readonly at: ForeignPlace; readonly decode?: 'json' | undefined; readonly schema?: undefined },
): ForeignTopic<Data>
export function defineForeignTopic(name: string, options: ForeignOptions): ForeignTopic {
  requireName(name, 'name of the topic')
  requireOptions(options, 'The options of defineForeignTopic')
  refuseUnknown(options, optionNames, 'defineForeignTopic')
  const { at, decode, schema } = options
  if (schema !== undefined && !isStandardSchema(schema)) {
    throw new TypeError(`The schema of '${name}' must implement Standard Schema version 1, not ${shown(schema)}`)
  }
  return Object.freeze({
    name,
    at: requirePlace(at),
    ...(decode !== undefined && { decode: requireDecoding(decode) }),
    ...(schema && { schema: schema as StandardSchema<never, unknown> }),
  })
}

/** Returns the foreign topic, or undefined if the event is a topic of this library. */
export const foreignTopicOf = (event: EventDefinition): ForeignTopic | undefined =>
  'at' in event && event.at !== undefined ? (event as unknown as ForeignTopic) : undefined

/** Shows a place in an error, `'user_events'` for example. */
export function shownPlace(at: ForeignPlace): string {
  if (typeof at === 'string') return `'${at}'`
  return 'exchange' in at ? `the exchange '${at.exchange}'` : `'${at.stream}'`
}

/** Checks a place and returns a copy that nobody can change. */
export function requirePlace(at: unknown): ForeignPlace {
  if (typeof at === 'string') return requirePart(at, 'at')
  requireOptions(at, 'at')
  const place = at as Partial<ForeignExchange & ForeignStream>
  if (place.exchange !== undefined) {
    refuseUnknown(place, ['exchange', 'routingKey'], 'at')
    const exchange = requirePart(place.exchange, 'at.exchange')
    return Object.freeze({ exchange, routingKey: requireText(place.routingKey, 'at.routingKey') })
  }
  if (place.stream !== undefined) {
    refuseUnknown(place, ['stream', 'field'], 'at')
    const stream = requirePart(place.stream, 'at.stream')
    return Object.freeze({ stream, field: requirePart(place.field, 'at.field') })
  }
  throw new MqError('MQ_INVALID_OPTION', 'at is a name, { exchange, routingKey } or { stream, field }')
}

function requirePart(value: unknown, name: string): string {
  if (requireText(value, name) !== '') return value as string
  throw new MqError('MQ_INVALID_OPTION', `${name} must not be empty`)
}

function requireText(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${shown(value)}`)
  if (isWellFormed(value)) return value
  throw new MqError('MQ_INVALID_OPTION', `${name} contains half of a surrogate pair`)
}

function requireDecoding(decode: unknown): Decoding {
  if (decode === 'json' || decode === 'text' || decode === 'bytes') return decode
  throw new MqError('MQ_INVALID_OPTION', `decode is 'json', 'text' or 'bytes', not ${shown(decode)}`)
}

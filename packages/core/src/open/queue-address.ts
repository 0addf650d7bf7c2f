import type { Adapter } from '../contract/adapter.js'
import { masked, shown } from '../contract/checks/shown.js'
import { MqError } from '../contract/errors.js'

/** The queue types of this project, with the package of each adapter. */
export const knownTypes = {
  rabbitmq: '@mq/rabbitmq',
  redis: '@mq/redis',
  kafka: '@mq/kafka',
  postgres: '@mq/postgres',
  memory: '@mq/memory',
} as const

export type KnownType = keyof typeof knownTypes

const schemes: Readonly<Record<string, KnownType>> = {
  'amqp:': 'rabbitmq',
  'amqps:': 'rabbitmq',
  'redis:': 'redis',
  'rediss:': 'redis',
  'redis+unix:': 'redis',
  'kafka:': 'kafka',
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
  'memory:': 'memory',
}

/**
 * The address of a queue: a URL, a type with the options of its adapter, or an adapter itself. URLs begin with `amqp://`, `amqps://`,
 * `redis://`, `rediss://`, `redis+unix:`, `kafka://`, `postgres://` or `memory:`.
 */
export type QueueAddress = string | AdapterConfig | Adapter

export interface AdapterConfig {
  /** `rabbitmq`, `redis`, `kafka`, `postgres`, `memory`, or a scoped package whose default export is the factory of an adapter. */
  readonly type: KnownType | `@${string}/${string}`
  /** Passed to the adapter's factory with all other properties. */
  readonly url?: string | undefined
  readonly [option: string]: unknown
}

/** A package to load, and the options for its factory. */
export interface AdapterRequest {
  readonly type: string
  readonly packageName: string
  readonly options: Readonly<Record<string, unknown>>
}

/** Finds the package for an address. Throws `MQ_UNSUPPORTED_TYPE` or `MQ_INVALID_URL`; neither error shows a password. */
export function adapterRequest(address: string | AdapterConfig): AdapterRequest {
  if (typeof address === 'string') return { ...packageFor(typeOfUrl(address)), options: { url: address } }
  const { type, ...options } = address
  if (typeof type !== 'string') throw new TypeError(`The type of a queue must be a string, not ${shown(type)}`)
  return { ...packageFor(type), options }
}

const known = Object.keys(knownTypes).join(', ')

function packageFor(type: string): { type: string; packageName: string } {
  if (Object.hasOwn(knownTypes, type)) return { type, packageName: knownTypes[type as KnownType] }
  if (/^@[a-z0-9~-][a-z0-9._~-]*\/[a-z0-9~-][a-z0-9._~-]*$/.test(type)) return { type, packageName: type }
  throw new MqError(
    'MQ_UNSUPPORTED_TYPE',
    `Unsupported queue type: ${masked(type)}. Known: ${known}, or a scoped package name`,
  )
}

function typeOfUrl(url: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*:)/i.exec(url)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    const examples = 'amqp://host, redis://host, kafka://host, postgres://host or memory:'
    throw new MqError('MQ_INVALID_URL', `A queue's URL begins with its scheme, as in ${examples}`)
  }
  const type = schemes[scheme]
  if (type === undefined) {
    // Without `//` the text before the colon may be anything, a part of a password too.
    const shownScheme = /^[^:]*:\/\//.test(url) ? scheme.slice(0, -1) : '...'
    const text = `Unsupported queue type: ${shownScheme}. Known schemes: ${Object.keys(schemes).join(' ')}`
    throw new MqError('MQ_UNSUPPORTED_TYPE', text)
  }
  return type
}

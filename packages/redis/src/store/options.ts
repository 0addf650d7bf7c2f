import { keysOf, MqError, requireKnownOptions } from '@mq/core/adapter'
import type { Cluster, Redis } from 'ioredis'
import {
  connectionOptionNames,
  type LinkSettings,
  linkSettingsOf,
  type RedisConnectionOptions,
} from '../options/connection.js'
import { prefixOf } from '../options.js'

/** The options for a connection, as for `redis()`, or a client of the application. */
export interface RedisStoreOptions extends RedisConnectionOptions {
  /** How long a call of the store may take. A connection that stays silent for this long is dropped. Default: 5,000 ms. */
  readonly commandTimeoutMs?: number | undefined
  /**
   * A connected client of ioredis, in place of the options for a connection. It stays open when the store is disconnected.
   *
   * By default ioredis repeats commands, and a compare-and-set or a delete that was carried out would then return false. For these the
   * store opens a duplicate of such a client, which repeats nothing.
   */
  readonly client?: Redis | Cluster | undefined
  /** The beginning of every key: 1 to 100 letters, digits, `.`, `_`, `-` and `:`. Default: `mq:store:`. */
  readonly prefix?: string | undefined
}

const ownNames = keysOf<Omit<RedisStoreOptions, keyof RedisConnectionOptions>>()({ client: true, prefix: true })
const optionNames = [...connectionOptionNames, ...ownNames]

/** The options that may be given together with `client`. */
const allowedWithClient: readonly string[] = [
  'client',
  'prefix',
  'commandTimeoutMs',
] satisfies (keyof RedisStoreOptions)[]

export interface StoreSettings extends LinkSettings {
  readonly client: Redis | Cluster | undefined
  readonly prefix: string
}

/** Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`. No error shows a password. */
export function storeSettingsOf(options: RedisStoreOptions): StoreSettings {
  requireKnownOptions(options, optionNames, 'redisStore()')
  const { client, prefix = 'mq:store:' } = options
  if (client !== undefined) requireClient(client, options)
  return { ...linkSettingsOf(options), client, prefix: prefixOf(prefix) }
}

function requireClient(client: Redis | Cluster, options: RedisStoreOptions): void {
  if (typeof client?.call !== 'function') throw new TypeError('client must be a client of ioredis')
  const excluded = Object.entries(options).find(
    ([name, value]) => value !== undefined && !allowedWithClient.includes(name),
  )
  if (excluded === undefined) return
  throw new MqError('MQ_INVALID_OPTION', `client and ${excluded[0]} exclude each other`)
}

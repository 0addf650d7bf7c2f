import { MqError } from '@mq/core/adapter'
import type { Client } from '../connection/client.js'
import { type Checks, refuseUnknown, whole } from '../option-checks.js'
import { connectionSettings, day, type LinkSettings, prefixOf, type RedisOptions } from '../options.js'

/** How to reach the store, as for `redis()`; or a client of the application's own. */
export interface RedisStoreOptions
  extends Pick<
    RedisOptions,
    | 'url'
    | 'username'
    | 'password'
    | 'db'
    | 'tls'
    | 'sentinel'
    | 'cluster'
    | 'createClient'
    | 'connectTimeoutMs'
    | 'commandTimeoutMs'
  > {
  /**
   * A connected client of ioredis, instead of the options for a connection. It stays open when the store is disconnected. A client
   * that repeats commands by itself, as ioredis does by default, may answer false to a compare-and-set or a delete that was carried
   * out: give it `maxRetriesPerRequest: 0` and `autoResendUnfulfilledCommands: false` if you use these.
   */
  readonly client?: Client
  /** What every key begins with: 1 to 100 letters, digits, `.`, `_`, `-` and `:`. Default: `mq:store:`. */
  readonly prefix?: string
}

const optionNames = Object.keys({
  url: true,
  username: true,
  password: true,
  db: true,
  tls: true,
  sentinel: true,
  cluster: true,
  createClient: true,
  connectTimeoutMs: true,
  commandTimeoutMs: true,
  client: true,
  prefix: true,
} satisfies Record<keyof RedisStoreOptions, true>)

/** Those that say nothing about a connection. */
const besideClient: readonly string[] = ['client', 'prefix', 'commandTimeoutMs'] satisfies (keyof RedisStoreOptions)[]

export interface StoreSettings extends LinkSettings {
  readonly client: Client | undefined
  readonly prefix: string
}

/** Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`; none of them shows a password. */
export function storeSettingsOf(options: RedisStoreOptions): StoreSettings {
  if (typeof options !== 'object' || options === null) throw new TypeError('redisStore() takes an object of options')
  refuseUnknown(options, optionNames, 'redisStore()')
  const { client, prefix = 'mq:store:' } = options
  if (client !== undefined) requireClient(client, options)
  return {
    ...connectionSettings(options),
    commandTimeoutMs: whole(options as Checks, 'commandTimeoutMs', { fallback: 5_000, min: 100, max: day }),
    client,
    prefix: prefixOf(prefix, 'prefix'),
  }
}

function requireClient(client: Client, options: RedisStoreOptions): void {
  if (typeof client?.call !== 'function') throw new TypeError('client must be one of ioredis')
  const ignored = Object.entries(options).find(([name, given]) => given !== undefined && !besideClient.includes(name))
  if (ignored === undefined) return
  throw new MqError('MQ_INVALID_OPTION', `client and ${ignored[0]} exclude each other`)
}

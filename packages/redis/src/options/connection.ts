import type { ConnectionOptions } from 'node:tls'
import { functionOption, integerOption, keysOf, MqError, requireKnownOptions } from '@mq/core/adapter'
import type { Cluster, RedisOptions as DriverOptions, Redis } from 'ioredis'
import { clientNameOf } from './client-name.js'
import { type Address, addressOf } from './url.js'

/** The options that say where Redis is and how to connect. `redis()` and `redisStore()` share them. */
export interface RedisConnectionOptions {
  /**
   * `redis://user:password@host:6379/0`, or `rediss://` for TLS, or `redis+unix://user:password@/run/redis.sock?db=0` for a unix socket.
   * `unix:` means the same as `redis+unix:`. Default: `redis://localhost:6379`.
   */
  readonly url?: string | undefined
  /** The path of a unix socket. It takes precedence over the host and port in `url`. */
  readonly path?: string | undefined
  /** Takes precedence over the user in `url`. */
  readonly username?: string | undefined
  /** Takes precedence over the password in `url`. */
  readonly password?: string | undefined
  /** The number of the database, which takes precedence over the one in `url`. A cluster has only the database 0. Default: 0. */
  readonly db?: number | undefined
  /**
   * Options of Node's `tls.connect`, such as `ca`, `cert`, `key` and `servername`. `true` turns TLS on, as `rediss://` does, and trusts
   * the authorities that Node trusts.
   */
  readonly tls?: ConnectionOptions | true | undefined
  /** A master that Sentinels watch. It replaces the host of `url`. */
  readonly sentinel?: SentinelOptions | undefined
  /** The nodes of a cluster to ask first. `true` asks the host of `url`. */
  readonly cluster?: readonly NodeAddress[] | true | undefined
  /**
   * A name of the application: 1 to 100 letters, digits, `.`, `_`, `-` and `:`. `CLIENT LIST` shows each connection as
   * `<connectionName>@<host>:<pid>`, and the names of consumers begin with the same text. Default: `mq`.
   */
  readonly connectionName?: string | undefined
  /** Creates every client. It has to pass on the options that it gets. Use it for settings of ioredis that have no option here. */
  readonly createClient?: ClientFactory | undefined
  /** How long connecting may take. Default: 10,000 ms. */
  readonly connectTimeoutMs?: number | undefined
  /**
   * How long a pending command may go without any reply bytes before the connection is dropped. The time that its own bytes and those
   * of other pending commands take at 10 kB/s is added. Default: 5,000 ms.
   */
  readonly commandTimeoutMs?: number | undefined
}

export const connectionOptionNames = keysOf<RedisConnectionOptions>()({
  url: true,
  path: true,
  username: true,
  password: true,
  db: true,
  tls: true,
  sentinel: true,
  cluster: true,
  connectionName: true,
  createClient: true,
  connectTimeoutMs: true,
  commandTimeoutMs: true,
})

/** The host and port of a node of a cluster, or of a Sentinel. */
export interface NodeAddress {
  readonly host: string
  readonly port: number
}

/** A master that Sentinels watch. */
export interface SentinelOptions {
  /** The name that the Sentinels have for the master. */
  readonly name: string
  /** The Sentinels. */
  readonly nodes: readonly NodeAddress[]
  /** The user for the Sentinels themselves. */
  readonly username?: string | undefined
  /** The password for the Sentinels themselves. */
  readonly password?: string | undefined
  /** Whether the Sentinels themselves use TLS, with the options of `tls`. Default: false. */
  readonly tls?: boolean | undefined
}

/** The options that the adapter sets: where to connect, and that a command fails with its connection instead of being repeated. */
export type ClientOptions = Omit<DriverOptions, 'replyMapping'>

/** For a cluster, pass the options as `redisOptions` and set `enableOfflineQueue: true`, `lazyConnect: true` and `retryDelayOnFailover: 0`. */
export type ClientFactory = (options: ClientOptions) => Redis | Cluster

const sentinelOptionNames = keysOf<SentinelOptions>()({
  name: true,
  nodes: true,
  username: true,
  password: true,
  tls: true,
})

/** The settings of a link, be it the adapter's or a store's. */
export interface LinkSettings {
  readonly address: Address
  /** The name of every connection, and the beginning of each consumer's name. */
  readonly clientName: string
  readonly sentinel: SentinelOptions | undefined
  readonly cluster: readonly NodeAddress[] | undefined
  readonly createClient: ClientFactory | undefined
  readonly connectTimeoutMs: number
  readonly commandTimeoutMs: number
  /** All links that were created with these settings and are not closed, including those that are still connecting. */
  readonly links: Set<{ close(): void }>
}

export const dayMs = 86_400_000

/** Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`. No error shows a password. */
export function linkSettingsOf(options: RedisConnectionOptions): LinkSettings {
  const address = addressOf(options)
  const cluster = clusterOf(options, address)
  if (cluster !== undefined && options.sentinel !== undefined) {
    throw new MqError('MQ_INVALID_OPTION', 'cluster and sentinel exclude each other')
  }
  if (address.path !== undefined && (cluster ?? options.sentinel) !== undefined) {
    throw new MqError('MQ_INVALID_OPTION', 'A unix socket leads to one server, not to a cluster or to Sentinels')
  }
  return {
    address,
    clientName: clientNameOf(options),
    sentinel: options.sentinel === undefined ? undefined : sentinelOf(options.sentinel),
    cluster,
    createClient: functionOption(options, 'createClient'),
    connectTimeoutMs: integerOption(options, 'connectTimeoutMs', { fallback: 10_000, min: 100, max: dayMs }),
    commandTimeoutMs: integerOption(options, 'commandTimeoutMs', { fallback: 5_000, min: 100, max: dayMs }),
    links: new Set(),
  }
}

function clusterOf({ cluster, db }: RedisConnectionOptions, address: Address): readonly NodeAddress[] | undefined {
  if (cluster === undefined) return undefined
  if (address.db !== 0 || (db ?? 0) !== 0) throw new MqError('MQ_INVALID_OPTION', 'A cluster has only the database 0')
  return cluster === true ? [{ host: address.host, port: address.port }] : nodesOf(cluster, 'cluster')
}

function sentinelOf(sentinel: SentinelOptions): SentinelOptions {
  requireKnownOptions(sentinel, sentinelOptionNames, 'sentinel')
  if (typeof sentinel.name !== 'string') throw new TypeError('sentinel.name must be a string')
  return { ...sentinel, nodes: nodesOf(sentinel.nodes, 'sentinel.nodes') }
}

function nodesOf(nodes: unknown, name: string): readonly NodeAddress[] {
  const isNode = (node: Partial<NodeAddress> | null): boolean =>
    typeof node === 'object' && node !== null && typeof node.host === 'string' && Number.isInteger(node.port)
  if (Array.isArray(nodes) && nodes.length > 0 && nodes.every(isNode)) return nodes
  throw new TypeError(`${name} must be a non-empty array of { host, port }`)
}

import type { ConnectionOptions } from 'node:tls'
import { defaultMaxMessageBytes, MqError } from '@mq/core/adapter'
import type { Cluster, RedisOptions as DriverOptions, Redis } from 'ioredis'
import { boolean, type Checks, refuseUnknown, whole } from './option-checks.js'
import { type Address, addressOf } from './options/url.js'

export interface RedisOptions {
  /** `redis://user:password@host:6379/0`, or `rediss://` for TLS. `redis://localhost:6379` where neither it nor nodes are given. */
  readonly url?: string
  /** These win over the URL's. */
  readonly username?: string
  readonly password?: string
  /** Number of the database. Not with `cluster`. */
  readonly db?: number
  /** As `tls.connect` takes it: `ca`, `cert`, `key`, `servername`. `true`, or `rediss://`, trusts the authorities of the system. */
  readonly tls?: ConnectionOptions | true
  /** A master that Sentinels watch, instead of the host of `url`. */
  readonly sentinel?: SentinelOptions
  /** The first nodes of a cluster to ask. `true` asks the host of `url`. */
  readonly cluster?: readonly NodeAddress[] | true
  /** Makes every client from the options that the adapter asks for: pass them on. For what has no option here. */
  readonly createClient?: ClientFactory
  /** What every key begins with. `mq` where none is given. Letters, digits, `.`, `_`, `-` and `:`. */
  readonly prefix?: string
  /** How long `connect` may take. 10,000 ms where none is given. */
  readonly connectTimeoutMs?: number
  /**
   * How long the broker may be silent with a command before it, until the connection is given up. 5,000 ms where none is given, at
   * least twice `pollMs`.
   */
  readonly commandTimeoutMs?: number
  /**
   * How long a message belongs to a consumer that has stopped renewing its claim; it renews every third of it. 30,000 ms where
   * none is given. An event loop that stands still for longer loses what it has in hand.
   */
  readonly visibilityMs?: number
  /** How often a consumer looks for messages that have become due. 100 ms where none is given. */
  readonly pollMs?: number
  /** A larger message is refused. 900 KiB where none is given. */
  readonly maxMessageBytes?: number
  /**
   * How many messages a topic keeps for groups that start `earliest`, although every group has finished them or there is no
   * group; an ephemeral subscription may fall so far behind. Given up sooner when the broker's memory is full. 1,000 where none
   * is given, at least 100.
   */
  readonly retain?: number
  /**
   * For how long a second publish with the same id is ignored, for the latest 100,000 ids of a topic at least. 0 turns it off;
   * then a publish whose answer was lost is not tried again. 300,000 ms where none is given.
   */
  readonly dedupeMs?: number
  /** A publish resolves only when so many replicas have it (`WAIT`). Not with `cluster`. */
  readonly waitForReplicas?: { readonly replicas: number; readonly timeoutMs: number }
  /** A publish resolves only when it is in the append-only file here (0 or 1) and at so many replicas (`WAITAOF`, Redis 7.2). */
  readonly waitForAof?: { readonly local: 0 | 1; readonly replicas: number; readonly timeoutMs: number }
  /** Warn, as an `error` event, of a broker that writes no append-only file. True where none is given. */
  readonly checkPersistence?: boolean
  /** Refuse a broker whose `maxmemory-policy` would evict messages. True where none is given. */
  readonly checkEviction?: boolean
}

export interface NodeAddress {
  readonly host: string
  readonly port: number
}

export interface SentinelOptions {
  /** As the Sentinels call the master. */
  readonly name: string
  readonly nodes: readonly NodeAddress[]
  /** Of the Sentinels themselves. */
  readonly username?: string
  readonly password?: string
  /** Whether the Sentinels themselves speak TLS, with the options of `tls`. */
  readonly tls?: boolean
}

/** What the adapter asks of each client: where to connect, and to fail a command with its connection instead of repeating it. */
export type ClientOptions = Omit<DriverOptions, 'replyMapping'>

/** For a cluster, hand the options to `redisOptions` and set `enableOfflineQueue: false`, `lazyConnect: true` and `retryDelayOnFailover: 0`. */
export type ClientFactory = (options: ClientOptions) => Redis | Cluster

const optionNames: readonly string[] = [
  'url',
  'username',
  'password',
  'db',
  'tls',
  'sentinel',
  'cluster',
  'createClient',
  'prefix',
  'connectTimeoutMs',
  'commandTimeoutMs',
  'visibilityMs',
  'pollMs',
  'maxMessageBytes',
  'retain',
  'dedupeMs',
  'waitForReplicas',
  'waitForAof',
  'checkPersistence',
  'checkEviction',
] satisfies (keyof RedisOptions)[]

/** What a link needs, of the adapter or of a store. */
export interface LinkSettings {
  readonly address: Address
  readonly sentinel: SentinelOptions | undefined
  readonly cluster: readonly NodeAddress[] | undefined
  readonly createClient: ClientFactory | undefined
  readonly connectTimeoutMs: number
  readonly commandTimeoutMs: number
  /** All links that were made with these settings and are not closed, also those that are still being connected. */
  readonly links: Set<{ close(): void }>
}

export interface Settings extends LinkSettings {
  readonly prefix: string
  readonly visibilityMs: number
  readonly pollMs: number
  readonly maxMessageBytes: number
  readonly retain: number
  readonly dedupeMs: number
  /** The command that follows each write, and the number that it has to answer with. */
  readonly wait: WaitCommand | undefined
  readonly checkPersistence: boolean
  readonly checkEviction: boolean
}

export interface WaitCommand {
  readonly name: 'WAIT' | 'WAITAOF'
  readonly args: readonly number[]
  readonly timeoutMs: number
}

export const day = 86_400_000

type ConnectionOption =
  | 'url'
  | 'username'
  | 'password'
  | 'db'
  | 'tls'
  | 'sentinel'
  | 'cluster'
  | 'createClient'
  | 'connectTimeoutMs'

/** Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`; none of them shows a password. */
export function settingsOf(options: RedisOptions): Settings {
  if (typeof options !== 'object' || options === null) throw new TypeError('redis() takes an object of options')
  refuseUnknown(options, optionNames, 'redis()')
  const checks: Checks = options as Checks
  const connection = connectionSettings(options)
  const commandTimeoutMs = whole(checks, 'commandTimeoutMs', { fallback: 5_000, min: 100, max: day })
  const pollMs = whole(checks, 'pollMs', { fallback: 100, min: 10, max: 1_000 })
  if (commandTimeoutMs < 2 * pollMs) {
    // An idle consumer's read blocks for pollMs: its connection would be given up for silent.
    const text = `commandTimeoutMs must be at least twice pollMs, and ${commandTimeoutMs} is less than 2 * ${pollMs}`
    throw new MqError('MQ_INVALID_OPTION', text)
  }
  return {
    ...connection,
    prefix: prefixOf(options.prefix ?? 'mq', 'prefix'),
    commandTimeoutMs,
    visibilityMs: whole(checks, 'visibilityMs', { fallback: 30_000, min: 500, max: day }),
    pollMs,
    maxMessageBytes: whole(checks, 'maxMessageBytes', { fallback: defaultMaxMessageBytes, min: 1, max: 256 * 2 ** 20 }),
    retain: whole(checks, 'retain', { fallback: 1_000, min: 100, max: 100_000_000 }),
    dedupeMs: whole(checks, 'dedupeMs', { fallback: 300_000, min: 0, max: 7 * day }),
    wait: waitOf(options, connection.cluster !== undefined),
    checkPersistence: boolean(checks, 'checkPersistence'),
    checkEviction: boolean(checks, 'checkEviction'),
  }
}

/** Checks where to connect, and how. Throws as `settingsOf`. */
export function connectionSettings(
  options: Pick<RedisOptions, ConnectionOption>,
): Omit<LinkSettings, 'commandTimeoutMs'> {
  const address = addressOf(options)
  const cluster = clusterOf(options, address)
  if (options.createClient !== undefined && typeof options.createClient !== 'function') {
    throw new TypeError('createClient must be a function')
  }
  if (cluster !== undefined && options.sentinel !== undefined) {
    throw new MqError('MQ_INVALID_OPTION', 'cluster and sentinel exclude each other')
  }
  return {
    address,
    sentinel: options.sentinel === undefined ? undefined : sentinelOf(options.sentinel),
    cluster,
    createClient: options.createClient,
    connectTimeoutMs: whole(options as Checks, 'connectTimeoutMs', { fallback: 10_000, min: 100, max: day }),
    links: new Set(),
  }
}

export function prefixOf(prefix: unknown, name: string): string {
  if (typeof prefix !== 'string') throw new TypeError(`${name} must be a string, not ${typeof prefix}`)
  // Braces would move the hash tag, and with it the keys of one topic into several slots.
  if (/^[\w.:-]{1,100}$/.test(prefix)) return prefix
  throw new MqError('MQ_INVALID_OPTION', `${name} has 1 to 100 letters, digits, '.', '_', '-' and ':'`)
}

function clusterOf(
  { cluster, db }: Pick<RedisOptions, 'cluster' | 'db'>,
  address: Address,
): readonly NodeAddress[] | undefined {
  if (cluster === undefined) return undefined
  if (address.db !== 0 || (db ?? 0) !== 0) throw new MqError('MQ_INVALID_OPTION', 'A cluster has only the database 0')
  return cluster === true ? [{ host: address.host, port: address.port }] : nodesOf(cluster, 'cluster')
}

function sentinelOf(sentinel: SentinelOptions): SentinelOptions {
  if (typeof sentinel !== 'object' || sentinel === null) throw new TypeError('sentinel must be an object')
  if (typeof sentinel.name !== 'string') throw new TypeError('sentinel.name must be a string')
  return { ...sentinel, nodes: nodesOf(sentinel.nodes, 'sentinel.nodes') }
}

function nodesOf(nodes: unknown, name: string): readonly NodeAddress[] {
  const isNode = (node: Partial<NodeAddress> | null): boolean =>
    typeof node === 'object' && node !== null && typeof node.host === 'string' && Number.isInteger(node.port)
  if (Array.isArray(nodes) && nodes.length > 0 && nodes.every(isNode)) return nodes
  throw new TypeError(`${name} must be an array of { host, port }, not empty`)
}

function waitOf({ waitForReplicas, waitForAof }: RedisOptions, isCluster: boolean): WaitCommand | undefined {
  if (waitForReplicas === undefined && waitForAof === undefined) return undefined
  if (isCluster) throw new MqError('MQ_INVALID_OPTION', 'WAIT and WAITAOF cannot be sent to a cluster')
  if (waitForReplicas !== undefined && waitForAof !== undefined) {
    throw new MqError('MQ_INVALID_OPTION', 'waitForReplicas and waitForAof exclude each other')
  }
  const given = (waitForAof ?? waitForReplicas) as Checks
  const timeoutMs = whole(given, 'timeoutMs', { fallback: 1_000, min: 1, max: 60_000 })
  if (waitForAof === undefined) {
    const replicas = whole(given, 'replicas', { fallback: 1, min: 1, max: 100 })
    return { name: 'WAIT', args: [replicas], timeoutMs }
  }
  const local = whole(given, 'local', { fallback: 1, min: 0, max: 1 })
  const replicas = whole(given, 'replicas', { fallback: 0, min: 0, max: 100 })
  return { name: 'WAITAOF', args: [local, replicas], timeoutMs }
}

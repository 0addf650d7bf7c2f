import { MqError } from '@mq/core/adapter'
import { Cluster, Redis } from 'ioredis'
import type { ClientOptions, LinkSettings } from '../options/connection.js'

export type Client = Redis | Cluster

const retryDelayMs = (times: number): number =>
  Math.min(2_000, 50 * 2 ** Math.min(times, 10)) * (0.75 + Math.random() / 4)

/**
 * The options of every client. By default ioredis repeats a command whose answer was lost. Without retries it writes a command at most
 * once, and the command fails as soon as its connection is lost. Without an offline queue it also fails if there is no connection.
 */
function clientOptions({ address, clientName, connectTimeoutMs }: LinkSettings): ClientOptions {
  const { username, password, db, tls } = address
  return {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    // The code that reads replies expects their RESP2 shapes.
    protocol: 2,
    connectionName: clientName,
    connectTimeout: connectTimeoutMs,
    disconnectTimeout: 500,
    keepAlive: 30_000,
    noDelay: true,
    retryStrategy: retryDelayMs,
    // After a failover the old master is a replica, and a new connection leads to the new master.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { tls }),
    ...(db !== 0 && { db }),
  }
}

/** Creates a client that is not connected. Throws `MQ_INVALID_OPTION` if `createClient` returns one that would repeat commands. */
export function createClient(settings: LinkSettings): Client {
  const { address, sentinel, cluster } = settings
  const options = clientOptions(settings)
  const { host, port, path } = address
  const at = path === undefined ? { host, port } : { path }
  if (settings.createClient !== undefined) return checked(settings.createClient({ ...at, ...options }))
  if (cluster !== undefined) {
    const { retryStrategy: _, enableOfflineQueue: __, ...redisOptions } = options
    return new Cluster([...cluster], {
      lazyConnect: true,
      // A node is connected by the first command that needs it. Without a queue the next ones would fail until the node is ready.
      enableOfflineQueue: true,
      redisOptions,
      clusterRetryStrategy: retryDelayMs,
      // Otherwise ioredis sends a command again after its answer was lost.
      retryDelayOnFailover: 0,
      // Keeps names as they are: certificates are issued for names, not for the addresses that a lookup returns.
      ...(redisOptions.tls !== undefined && { dnsLookup: (name, done) => done(null, name) }),
    })
  }
  if (sentinel === undefined) return new Redis({ ...at, ...options })
  return new Redis({
    ...options,
    sentinels: sentinel.nodes.map((node) => ({ ...node })),
    name: sentinel.name,
    sentinelRetryStrategy: retryDelayMs,
    // A silent Sentinel must leave enough of the connect time for the other Sentinels and for the master.
    sentinelCommandTimeout: Math.floor(settings.connectTimeoutMs / (sentinel.nodes.length + 1)),
    ...(sentinel.username !== undefined && { sentinelUsername: sentinel.username }),
    ...(sentinel.password !== undefined && { sentinelPassword: sentinel.password }),
    // Despite its name, this option concerns the connection to the master.
    enableTLSForSentinelMode: options.tls !== undefined,
    ...(sentinel.tls === true && { sentinelTLS: options.tls ?? {} }),
  })
}

function checked(client: Client): Client {
  const isClient = client instanceof Object && typeof client.callBuffer === 'function'
  const problem = isClient ? reasonToRefuse(client) : 'returned no client of ioredis'
  if (problem === undefined) return client
  throw new MqError('MQ_INVALID_OPTION', `createClient ${problem}; pass on the options that it gets`)
}

/** Says why a client might repeat commands. */
function reasonToRefuse(client: Client): string | undefined {
  const { options } = client
  const perRequest = 'redisOptions' in options ? options.redisOptions?.maxRetriesPerRequest : maxRetriesOf(options)
  if (perRequest !== 0) return 'made a client without maxRetriesPerRequest: 0, which repeats commands'
  if (!('nodes' in client) && options.enableOfflineQueue !== false)
    return 'made a client without enableOfflineQueue: false'
  if (options.lazyConnect !== true) return 'made a client without lazyConnect: true'
  return undefined
}

const maxRetriesOf = (options: object): unknown => (options as { maxRetriesPerRequest?: unknown }).maxRetriesPerRequest

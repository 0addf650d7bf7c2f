import { MqError } from '@mq/core/adapter'
import { Cluster, Redis } from 'ioredis'
import type { ClientOptions, LinkSettings } from '../options/connection.js'

export type Client = Redis | Cluster

const retryDelayMs = (times: number): number =>
  Math.min(2_000, 50 * 2 ** Math.min(times, 10)) * (0.75 + Math.random() / 4)

/**
 * What every client needs. By default the driver repeats a command whose answer was lost, and without that leaves its promise
 * open for ever: with no retries and no offline queue it fails at once, written at most once.
 */
function clientOptions({ address, connectTimeoutMs }: LinkSettings): ClientOptions {
  const { username, password, db, tls } = address
  return {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    // The shapes of replies that the scripts and readers here expect.
    protocol: 2,
    connectionName: 'mq',
    connectTimeout: connectTimeoutMs,
    disconnectTimeout: 500,
    keepAlive: 30_000,
    noDelay: true,
    retryStrategy: retryDelayMs,
    // A replica that was the master before a failover: the connection has to be made anew.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { tls }),
    ...(db !== 0 && { db }),
  }
}

/** An unconnected client. Throws `MQ_INVALID_OPTION` for one of the application's own that would repeat commands. */
export function createClient(settings: LinkSettings): Client {
  const { address, sentinel, cluster } = settings
  const options = clientOptions(settings)
  const { host, port } = address
  if (settings.createClient !== undefined) return checked(settings.createClient({ host, port, ...options }))
  if (cluster !== undefined) {
    const { retryStrategy: _, enableOfflineQueue: __, ...redisOptions } = options
    return new Cluster([...cluster], {
      lazyConnect: true,
      enableOfflineQueue: false,
      redisOptions,
      clusterRetryStrategy: retryDelayMs,
      // The driver would send a command again whose answer was lost.
      retryDelayOnFailover: 0,
      // Certificates are made for names, where a cluster tells addresses.
      ...(redisOptions.tls !== undefined && { dnsLookup: (name, done) => done(null, name) }),
    })
  }
  if (sentinel === undefined) return new Redis({ host, port, ...options })
  return new Redis({
    ...options,
    sentinels: sentinel.nodes.map((node) => ({ ...node })),
    name: sentinel.name,
    sentinelRetryStrategy: retryDelayMs,
    // All together get the time that a connect has, so that one that says nothing leaves enough for the next ones and the master.
    sentinelCommandTimeout: Math.floor(settings.connectTimeoutMs / (sentinel.nodes.length + 1)),
    ...(sentinel.username !== undefined && { sentinelUsername: sentinel.username }),
    ...(sentinel.password !== undefined && { sentinelPassword: sentinel.password }),
    // Despite its name it decides about the master.
    enableTLSForSentinelMode: options.tls !== undefined,
    ...(sentinel.tls === true && { sentinelTLS: options.tls ?? {} }),
  })
}

function checked(client: Client): Client {
  const problem =
    client instanceof Object && typeof client.callBuffer === 'function'
      ? repeats(client)
      : 'returned no client of ioredis'
  if (problem === undefined) return client
  throw new MqError('MQ_INVALID_OPTION', `createClient ${problem}; pass on the options that it gets`)
}

function repeats(client: Client): string | undefined {
  const { options } = client
  const perRequest = 'redisOptions' in options ? options.redisOptions?.maxRetriesPerRequest : maxRetriesOf(options)
  if (perRequest !== 0) return 'made a client without maxRetriesPerRequest: 0, which repeats commands'
  if (options.enableOfflineQueue !== false) return 'made a client without enableOfflineQueue: false'
  if (options.lazyConnect !== true) return 'made a client without lazyConnect: true'
  return undefined
}

const maxRetriesOf = (options: object): unknown => (options as { maxRetriesPerRequest?: unknown }).maxRetriesPerRequest

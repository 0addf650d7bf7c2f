import { Cluster } from 'ioredis'
import type { Client } from '../connection/client.js'
import { commandError } from '../connection/errors.js'
import { createLink, type Link, scriptRunner } from '../connection/link.js'
import type { ClientOptions, LinkSettings } from '../options/connection.js'

/** The connection of a store, be it the store's own or that of a client of the application. */
export interface StoreConnection {
  /** Resolves once a command can be sent, or after the time given. */
  ready(timeoutMs: number): Promise<void>
  readonly send: Link['send']
  readonly run: Link['run']
  close(): void
}

/** Creates a connection that opens with its first use. */
function ownConnection(settings: LinkSettings): StoreConnection {
  const link = createLink(settings)
  let opening: Promise<void> | undefined
  return {
    async ready(timeoutMs) {
      opening ??= link.open().catch((error) => {
        opening = undefined
        throw error
      })
      await opening
      await link.whenUp(timeoutMs)
    },
    send: (command, args) => link.send(command, args),
    run: link.run,
    close: () => link.close(),
  }
}

/** The connections of a store. */
export interface StoreConnections {
  readonly shared: StoreConnection
  /** For calls that must not be repeated. */
  readonly once: StoreConnection
}

/** Chooses the connections: the store's own, or those of a client of the application. */
export function storeConnections(settings: LinkSettings, client: Client | undefined): StoreConnections {
  const shared = client === undefined ? ownConnection(settings) : borrowedConnection(client)
  if (client === undefined || !repeatsCommands(client)) return { shared, once: shared }
  return { shared, once: ownConnection(duplicating(client, settings)) }
}

/** Whether the driver sends a command of this client again if its answer was lost. */
function repeatsCommands({ options, duplicate }: Client): boolean {
  // A stand-in of a test need not have these.
  if (typeof duplicate !== 'function' || typeof options !== 'object') return false
  const { maxRetriesPerRequest, autoResendUnfulfilledCommands } = options as ClientOptions
  return maxRetriesPerRequest !== 0 && autoResendUnfulfilledCommands !== false
}

/** Returns settings whose client is a copy of the given one that repeats nothing. */
function duplicating(client: Client, settings: LinkSettings): LinkSettings {
  const createClient = (options: ClientOptions): Client => {
    const { lazyConnect, enableOfflineQueue, maxRetriesPerRequest, autoResubscribe, protocol, retryStrategy } = options
    const strict = { maxRetriesPerRequest, autoResubscribe, protocol, autoResendUnfulfilledCommands: false }
    return client instanceof Cluster
      ? client.duplicate([], {
          lazyConnect: true,
          enableOfflineQueue: true,
          retryDelayOnFailover: 0,
          redisOptions: strict,
        })
      : client.duplicate({ ...strict, lazyConnect, enableOfflineQueue, retryStrategy })
  }
  const { host, port, path } = client.options as ClientOptions
  const address = { ...settings.address, ...(host && { host }), ...(port && { port }), ...(path && { path }) }
  return { ...settings, address, createClient }
}

/** Uses a client of the application, which the application closes. */
function borrowedConnection(client: Client): StoreConnection {
  const send: Link['send'] = async (command, args) => {
    try {
      return await client.callBuffer(command, [...args])
    } catch (error) {
      throw commandError(error)
    }
  }
  return { ready: async () => {}, send, run: scriptRunner(send), close: () => {} }
}

import type { Client } from '../connection/client.js'
import { commandError } from '../connection/errors.js'
import { createLink, type Link, scriptRunner } from '../connection/link.js'
import type { LinkSettings } from '../options/connection.js'

/** The connection of a store, be it the store's own or that of a client of the application. */
export interface StoreConnection {
  /** Resolves once a command can be sent, or after the time given. */
  ready(timeoutMs: number): Promise<void>
  readonly send: Link['send']
  readonly run: Link['run']
  close(): void
}

/** Creates a connection that opens with its first use. */
export function ownConnection(settings: LinkSettings): StoreConnection {
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

/** Uses a client of the application, which the application closes. */
export function borrowedConnection(client: Client): StoreConnection {
  const send: Link['send'] = async (command, args) => {
    try {
      return await client.callBuffer(command, [...args])
    } catch (error) {
      throw commandError(error)
    }
  }
  return { ready: async () => {}, send, run: scriptRunner(send), close: () => {} }
}

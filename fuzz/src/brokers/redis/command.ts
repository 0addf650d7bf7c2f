import { Redis } from 'ioredis'
import { type Blob, bytesOf } from '../../blob.js'

/** An argument of a command: a text, or bytes. */
export type Argument = string | number | Blob

export interface RawRedis {
  /** Resolves with the answer, and with the error where the server refuses. */
  send(command: string, args: readonly Argument[]): Promise<unknown>
  close(): void
}

/** The driver alone, without anything of ours. */
export function rawRedis(url: string): RawRedis {
  const client = new Redis(url, { lazyConnect: false, maxRetriesPerRequest: 3 })
  client.on('error', () => undefined)
  return {
    async send(command, args) {
      const given = args.map((arg) => (typeof arg === 'object' ? bytesOf(arg) : String(arg)))
      return await client.call(command, given).catch((error: unknown) => error)
    },
    close: () => client.disconnect(),
  }
}

import type { BrokerProxy, Server } from '../../src/index.js'

/** The raw driver of a broker, reduced to what the tests of a link or a process need. */
export interface Driver {
  /** Opens a connection that does not reconnect. */
  open(at: Server | BrokerProxy): Promise<Conversation>
  /** Returns how many writes the broker has, without a proxy. */
  count(): Promise<number>
  /** Returns the writes that the broker has. */
  ids(): Promise<ReadonlySet<string>>
  close(): Promise<void>
}

export interface Conversation {
  /** Resolves when the broker has confirmed the write. Rejects if the connection is lost before. */
  write(id: string, bytes?: number): Promise<void>
  close(): Promise<void>
}

export const payload = (bytes: number): string => 'x'.repeat(bytes)

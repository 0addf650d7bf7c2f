import type { BrokerProxy, Server } from '../../src/index.js'

/** The raw driver of a broker, reduced to what the tests of a link or a process need. */
export interface Driver {
  /** A connection of its own, which does not heal by itself. */
  open(at: Server | BrokerProxy): Promise<Conversation>
  /** How many writes the broker has, asked past any proxy. */
  count(): Promise<number>
  /** What it has. */
  ids(): Promise<ReadonlySet<string>>
  close(): Promise<void>
}

export interface Conversation {
  /** Resolves when the broker has confirmed the write, rejects when the connection is lost before. */
  write(id: string, bytes?: number): Promise<void>
  close(): Promise<void>
}

export const payload = (bytes: number): string => 'x'.repeat(bytes)

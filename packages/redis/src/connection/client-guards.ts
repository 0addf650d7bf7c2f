import type { Redis } from 'ioredis'
import type { Client } from './client.js'
import { withoutCommand } from './errors.js'

/** Remembers the errors of a client. Returns a function that returns the latest one. */
export function trackErrors(client: Client): () => Error | undefined {
  let latest: Error | undefined
  const onError = (error: unknown): void => {
    const found = withoutCommand(error)
    // ioredis emits this error after the one that says why the connection was closed.
    if (latest === undefined || found.message !== 'Connection is closed.') latest = found
  }
  client.on('error', onError)
  if ('nodes' in client) client.on('+node', (node) => captureSlotRefreshErrors(node, onError))
  return () => latest
}

/** To refresh the slots of a cluster, ioredis duplicates the connections to its nodes, and drops the errors of the duplicates. */
function captureSlotRefreshErrors(node: Redis, onError: (error: unknown) => void): void {
  const duplicate = node.duplicate.bind(node)
  node.duplicate = (options) => duplicate(options).on('error', onError)
}

/** Limits the time from a connection to its first use. Without it ioredis waits forever for a server that accepts and stays silent. */
export function limitHandshake(client: Client, timeoutMs: number): void {
  // A cluster connects to a node again when a command needs it.
  const reconnects = !('nodes' in client)
  eachNode(client, (node) => limitHandshakeOf(node, { timeoutMs, reconnects }))
}

/** Calls a function for the client, or for each node of a cluster, also for those that it comes to know later. */
export function eachNode(client: Client, use: (node: Redis) => void): void {
  if (!('nodes' in client)) {
    use(client)
    return
  }
  for (const node of client.nodes()) use(node)
  client.on('+node', use)
}

function limitHandshakeOf(client: Redis, at: { readonly timeoutMs: number; readonly reconnects: boolean }): void {
  let timer: NodeJS.Timeout | undefined
  client.on('connect', () => {
    timer = setTimeout(() => client.disconnect(at.reconnects), at.timeoutMs)
  })
  for (const event of ['ready', 'close']) client.on(event, () => clearTimeout(timer))
}

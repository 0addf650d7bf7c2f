import type { Redis } from 'ioredis'
import type { Client } from './client.js'

interface PendingCommand {
  readonly bytes: number
  readonly timeoutMs: number
}

const tickMs = 100

/**
 * Watches for connections that owe replies and receive nothing, and drops them, so that their commands fail. The limit is the longest
 * time of a pending command, plus the time that all their bytes take at the minimum speed. A connection that receives bytes is slow,
 * not dead. In a cluster only the silent node is dropped, and the driver finds the slots that have moved away from it.
 */
export function watchSilence(minBytesPerSecond: number) {
  const pending = new Set<PendingCommand>()
  let lastReceived = new WeakMap<Redis, { readonly bytes: number; readonly at: number }>()
  let client: Client | undefined
  let bytes = 0
  let timer: NodeJS.Timeout | undefined

  function tick(): void {
    if (client === undefined) return
    const now = performance.now()
    let timeoutMs = 0
    for (const command of pending) timeoutMs = Math.max(timeoutMs, command.timeoutMs)
    const limitMs = timeoutMs + (1_000 * bytes) / minBytesPerSecond
    for (const node of 'nodes' in client ? client.nodes() : [client]) {
      const before = lastReceived.get(node)
      const received = bytesRead(node)
      const isAlive = before?.bytes !== received || (node !== client && !owesReplies(node))
      if (!isAlive && now - before.at < limitMs) continue
      lastReceived.set(node, { bytes: received, at: now })
      if (!isAlive) node.disconnect(node === client)
    }
  }

  return {
    /** Begins to watch a command. Returns the function to call when the command has ended. */
    begin(usedClient: Client, command: PendingCommand): () => void {
      const isFirst = pending.size === 0 || client !== usedClient
      pending.add(command)
      bytes += command.bytes
      if (isFirst) {
        client = usedClient
        lastReceived = new WeakMap()
        tick()
      }
      timer ??= setInterval(tick, tickMs)
      return () => {
        pending.delete(command)
        bytes -= command.bytes
        if (pending.size > 0) return
        clearInterval(timer)
        timer = undefined
      }
    },
  }
}

/** A client that is still connecting has no stream. */
const bytesRead = ({ stream }: Redis): number => (stream as typeof stream | undefined)?.bytesRead ?? 0

/** Whether commands wait for this node of a cluster, or for the connection to it. */
function owesReplies(node: Redis): boolean {
  const { offlineQueue } = node as unknown as { readonly offlineQueue?: { readonly length: number } }
  return node.commandQueue.length > 0 || (offlineQueue?.length ?? 0) > 0
}

import type { Redis } from 'ioredis'
import type { Client } from './client.js'

interface Pending {
  readonly bytes: number
  readonly timeoutMs: number
}

const tickMs = 100

/**
 * Gives a connection up on which commands wait and nothing comes: for longer than the longest of their times, and than a link of
 * that speed takes for all their bytes. As long as bytes arrive it is slow, not dead. All its commands then fail. Of a cluster
 * only the node that is silent: what moved away from it is found when it is asked for again.
 */
export function watchSilence(leastBytesPerSecond: number) {
  const pending = new Set<Pending>()
  let heard = new WeakMap<Redis, { readonly bytes: number; readonly at: number }>()
  let client: Client | undefined
  let bytes = 0
  let timer: NodeJS.Timeout | undefined

  function tick(): void {
    if (client === undefined) return
    const now = performance.now()
    let timeoutMs = 0
    for (const one of pending) timeoutMs = Math.max(timeoutMs, one.timeoutMs)
    const limitMs = timeoutMs + (1_000 * bytes) / leastBytesPerSecond
    for (const node of 'nodes' in client ? client.nodes() : [client]) {
      const before = heard.get(node)
      const received = bytesRead(node)
      const isHeard = before?.bytes !== received || (node !== client && !isAsked(node))
      if (!isHeard && now - before.at < limitMs) continue
      heard.set(node, { bytes: received, at: now })
      if (!isHeard) node.disconnect(node === client)
    }
  }

  return {
    /** Returns what is to be called when the command has ended. */
    begin(used: Client, command: Pending): () => void {
      const isFirst = pending.size === 0 || client !== used
      pending.add(command)
      bytes += command.bytes
      if (isFirst) {
        client = used
        heard = new WeakMap()
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

/** There is no stream yet where the connection is being made. */
const bytesRead = ({ stream }: Redis): number => (stream as typeof stream | undefined)?.bytesRead ?? 0

/** Whether commands wait for this node of a cluster, or for its connection. */
function isAsked(node: Redis): boolean {
  const { offlineQueue } = node as unknown as { readonly offlineQueue?: { readonly length: number } }
  return node.commandQueue.length > 0 || (offlineQueue?.length ?? 0) > 0
}

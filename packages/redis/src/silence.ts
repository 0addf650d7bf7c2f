import type { Client } from './client.js'

interface Pending {
  readonly bytes: number
  readonly timeoutMs: number
}

const tickMs = 100

/**
 * Gives a connection up on which commands wait and nothing comes: for longer than the longest of their times, and than a link of
 * that speed takes for all their bytes. As long as bytes arrive it is slow, not dead. All its commands then fail.
 */
export function watchSilence(leastBytesPerSecond: number) {
  const pending = new Set<Pending>()
  let client: Client | undefined
  let bytes = 0
  let heard = 0
  let heardAt = 0
  let timer: NodeJS.Timeout | undefined

  function tick(): void {
    const now = performance.now()
    const received = client === undefined ? 0 : bytesRead(client)
    if (received !== heard) {
      heard = received
      heardAt = now
      return
    }
    let timeoutMs = 0
    for (const one of pending) timeoutMs = Math.max(timeoutMs, one.timeoutMs)
    if (now - heardAt < timeoutMs + (1_000 * bytes) / leastBytesPerSecond) return
    heardAt = now
    client?.disconnect(true)
  }

  return {
    /** Returns what is to be called when the command has ended. */
    begin(used: Client, command: Pending): () => void {
      if (pending.size === 0 || client !== used) {
        client = used
        heard = bytesRead(used)
        heardAt = performance.now()
      }
      pending.add(command)
      bytes += command.bytes
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

function bytesRead(client: Client): number {
  const nodes = 'nodes' in client ? client.nodes() : [client]
  // There is none yet where the connection is being made.
  return nodes.reduce((sum, { stream }) => sum + ((stream as typeof stream | undefined)?.bytesRead ?? 0), 0)
}

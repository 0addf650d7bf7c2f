import { setTimeout as sleep } from 'node:timers/promises'
import { type AdapterEvent, backoff } from '@mq/core/adapter'
import type { Cluster } from '../driver/cluster.js'
import { asMqError } from '../driver/errors.js'

const pingEveryMs = 2_000
const reconnectPauses = { minMs: 100, maxMs: 1_000 }

/** Watches the connection that publishing uses, so that its loss is noticed while nothing is published, and reconnects it. */
export function createLink(
  openCluster: (onLost: (error: Error) => void) => Cluster,
  report: (event: AdapterEvent) => void,
) {
  let state: 'closed' | 'up' | 'down' = 'closed'
  let timer: NodeJS.Timeout | undefined
  let attempt = 0
  const cluster = openCluster((error) => onLost(error))

  function onLost(cause: unknown): void {
    if (state !== 'up') return
    state = 'down'
    const error = asMqError(cause, 'The connection to Kafka is lost', 'MQ_CONNECTION_LOST')
    report({ type: 'state', state: 'reconnecting', error })
    void reconnect()
  }

  async function reconnect(): Promise<void> {
    const pauses = backoff(reconnectPauses)
    while (state === 'down') {
      try {
        await cluster.ping()
        if (state !== 'down') return
        state = 'up'
        report({ type: 'state', state: 'connected' })
      } catch {
        await sleep(pauses.next())
      }
    }
  }

  return {
    cluster,
    get isUp() {
      return state === 'up'
    },
    async open(): Promise<void> {
      attempt += 1
      const own = attempt
      await cluster.connect()
      if (own !== attempt) {
        cluster.disconnect()
        return
      }
      state = 'up'
      timer = setInterval(() => {
        if (state === 'up') void cluster.ping().catch(onLost)
      }, pingEveryMs)
    },
    /** Ends an attempt to open it that has failed or takes too long. */
    giveUp(): void {
      attempt += 1
      cluster.disconnect()
    },
    close(): void {
      state = 'closed'
      clearInterval(timer)
      cluster.close()
    },
  }
}

export type Link = ReturnType<typeof createLink>

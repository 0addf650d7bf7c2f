import { setTimeout as sleep } from 'node:timers/promises'
import type { AdapterEvent, MqError } from '@mq/core/adapter'
import type { Cluster } from '../driver/cluster.js'
import { asMqError } from '../driver/errors.js'

const pingEveryMs = 2_000
const leastRetryMs = 100
const mostRetryMs = 1_000

/** Watches the connection that publishing uses, so that its loss is noticed while nobody publishes, and mends it. */
export function createLink(
  openCluster: (lost: (error: Error) => void) => Cluster,
  report: (event: AdapterEvent) => void,
) {
  let state: 'closed' | 'up' | 'down' = 'closed'
  let timer: NodeJS.Timeout | undefined
  let attempt = 0
  const cluster = openCluster((error) => lost(error))

  function lost(cause: unknown): void {
    if (state !== 'up') return
    state = 'down'
    const error: MqError = asMqError(cause, 'The connection to Kafka is lost', 'MQ_CONNECTION_LOST')
    report({ type: 'state', state: 'reconnecting', error })
    void mend()
  }

  async function mend(): Promise<void> {
    for (let retryMs = leastRetryMs; state === 'down'; retryMs = Math.min(2 * retryMs, mostRetryMs)) {
      try {
        await cluster.ping()
        if (state !== 'down') return
        state = 'up'
        report({ type: 'state', state: 'connected' })
      } catch {
        await sleep(retryMs)
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
        if (state === 'up') void cluster.ping().catch(lost)
      }, pingEveryMs)
    },
    /** Ends an attempt to open it that failed, or takes too long. */
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

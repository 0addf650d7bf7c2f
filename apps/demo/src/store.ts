import type { TaskStore } from '@mq/core'
import { memoryStore } from '@mq/memory'

export interface OpenStore {
  readonly store: TaskStore
  close(): Promise<void>
}

/**
 * Opens the store that remembers which users have been sent a mail. If the broker is a Redis, the store is in that Redis, which all
 * workers reach. If not, it is in the memory of the only worker; several workers would need a Redis beside their broker.
 */
export async function openStore({
  brokerUrl,
  run,
}: {
  readonly brokerUrl: string
  readonly run: string
}): Promise<OpenStore> {
  if (!/^rediss?:/i.test(brokerUrl)) return { store: memoryStore(), close: async () => {} }
  // Imported only when it is used, so that it need not be installed for other brokers.
  const { redisStore } = await import('@mq/redis')
  // The web server numbers its users from 1 in each run.
  const store = redisStore({ url: brokerUrl, prefix: `mq:demo:${run}:` })
  return { store, close: () => store.disconnect() }
}

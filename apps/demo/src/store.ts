import type { TaskStore } from '@mq/core'
import { memoryStore } from '@mq/memory'

export interface OpenStore {
  readonly store: TaskStore
  close(): Promise<void>
}

/**
 * Who has been sent a mail: beside the messages where the broker is a Redis, which all workers reach. For the others in the
 * memory of the one worker there is; several workers would need a Redis of their own beside their broker.
 */
export async function openStore({
  brokerUrl,
  run,
}: {
  readonly brokerUrl: string
  readonly run: string
}): Promise<OpenStore> {
  if (!/^rediss?:/i.test(brokerUrl)) return { store: memoryStore(), close: async () => {} }
  // Like the adapter: only who uses it has to have it installed.
  const { redisStore } = await import('@mq/redis')
  // The web server counts its users anew in each run.
  const store = redisStore({ url: brokerUrl, prefix: `mq:demo:${run}:` })
  return { store, close: () => store.disconnect() }
}

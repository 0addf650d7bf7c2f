import type { TaskStore } from '@mq/core'
import { memoryStore } from '@mq/memory'
import { redisStore } from '@mq/redis'

export interface OpenStore {
  readonly store: TaskStore
  close(): Promise<void>
}

/**
 * Who has been sent a mail: beside the messages where the broker is a Redis, which all workers reach. For the others in the
 * memory of the one worker there is; several workers would need a Redis of their own beside their broker.
 */
export function openStore({ brokerUrl, run }: { readonly brokerUrl: string; readonly run: string }): OpenStore {
  if (!/^rediss?:/i.test(brokerUrl)) return { store: memoryStore(), close: async () => {} }
  // The web server counts its users anew in each run.
  const store = redisStore({ url: brokerUrl, prefix: `mq:demo:${run}:` })
  return { store, close: () => store.disconnect() }
}

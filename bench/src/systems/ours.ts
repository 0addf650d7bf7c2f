import { openQueue } from '@mq/core'
import type { Body, OpenSystem } from '../system.js'

const group = 'bench'

/** Opens a queue as an application would. Only the number of handlers is set. */
export const open: OpenSystem = async ({ url, topic, concurrency, isPrepared = false }) => {
  const queue = await openQueue(url, { group })
  if (!isPrepared) await queue.declareGroup(topic, group)
  return {
    publish: async (body) => void (await queue.publish(topic, body)),
    async consume(handler) {
      await queue.subscribe(topic, ({ data }) => handler(data as Body), { concurrency })
    },
    close: () => queue.disconnect({ timeoutMs: 5_000 }),
  }
}

import { createQueue } from '@mq/core'
import { kafka } from '@mq/kafka'
import { report } from '@mq/test-brokers'

export type WorkerReport =
  | { readonly type: 'ready' }
  | { readonly type: 'handled'; readonly id: string; readonly key: string | undefined; readonly data: unknown }

/** A consumer of the group `g` that runs until it is stopped or killed. */
const [url = '', topic = '', handlerMs = '0'] = process.argv.slice(2)
const queue = createQueue(kafka({ url, partitions: 12, sessionTimeoutMs: 6_000 }), { group: 'g' })
await queue.connect()
await queue.subscribe(
  topic,
  async ({ id, key, data }) => {
    if (handlerMs !== '0') await new Promise((resolve) => setTimeout(resolve, Number(handlerMs)))
    await report({ type: 'handled', id, key, data } satisfies WorkerReport)
  },
  { concurrency: 20, ordered: true },
)
await report({ type: 'ready' } satisfies WorkerReport)
process.once('SIGTERM', () => void queue.disconnect({ timeoutMs: 5_000 }).then(() => process.exit(0)))

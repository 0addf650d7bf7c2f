import { createQueue } from '@mq/core'
import { redis } from '@mq/redis'
import { report } from '@mq/test-brokers'

/** Handles messages of a topic, each for a given time, and reports when a handler starts and ends. `argv` names the topic, that time, and for how long a claim holds. */
const [url = '', topic = '', handlerMs = '0', visibilityMs = '1500'] = process.argv.slice(2)
const queue = createQueue(redis({ url, visibilityMs: Number(visibilityMs) }), { group: 'g' })
await queue.connect()
await queue.subscribe(
  topic,
  async ({ id, attempt }) => {
    await report({ type: 'started', id, attempt })
    await new Promise((resolve) => setTimeout(resolve, Number(handlerMs)))
    await report({ type: 'handled', id, attempt })
  },
  { concurrency: 5, retry: { attempts: 10 } },
)
await report({ type: 'ready' })

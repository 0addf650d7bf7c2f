import { setTimeout as sleep } from 'node:timers/promises'
import { createQueue } from '@mq/core'
import { postgres } from '@mq/postgres'
import { report } from '@mq/test-brokers'

/** Consumes a topic: each handler takes the given time, or holds the event loop for it. */
const [url = '', topic = '', ms = '0', visibilityMs = '60000', how = 'waits'] = process.argv.slice(2)
const queue = createQueue(postgres({ url, visibilityMs: Number(visibilityMs), pollMs: 100 }), { group: 'g' })
await queue.connect()
await queue.subscribe(topic, async () => {
  await report({ type: 'started' })
  if (how === 'waits') await sleep(Number(ms))
  else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms))
  await report({ type: 'handled' })
})
await report({ type: 'ready' })

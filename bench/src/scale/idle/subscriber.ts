// Subscribes as often as its job says, and publishes when it is told to. Its parent measures it from outside.
import { openQueue } from '@mq/core'
import { onMessage, report, until } from '@mq/test-brokers'
import type { Job, Order, Said } from './plan.js'

const job = JSON.parse(process.argv[2] ?? '{}') as Job
const handledMs = 120_000
const inFlight = 50
const tell = (said: Said): Promise<void> => report(said)

const queue = await openQueue(job.url)
let handled = 0

async function subscribe(): Promise<void> {
  const startedAt = performance.now()
  const pairs = job.topics.flatMap((topic) => job.groups.map((group) => ({ topic, group })))
  const handler = (): void => {
    handled += 1
  }
  await Promise.all(pairs.map(({ topic, group }) => queue.subscribe(topic, handler, { group })))
  await tell({ type: 'subscribed', ms: performance.now() - startedAt })
}

async function publish(perTopic: number): Promise<void> {
  handled = 0
  const startedAt = performance.now()
  const targets = Array.from({ length: perTopic }, () => job.topics).flat()
  const expected = targets.length * job.groups.length
  const publisher = async (): Promise<void> => {
    for (let topic = targets.pop(); topic !== undefined; topic = targets.pop())
      await queue.publish(topic, { size: 'small' })
  }
  await Promise.all(Array.from({ length: inFlight }, publisher))
  await until(() => handled >= expected, { what: `${expected} messages to be handled`, timeoutMs: handledMs })
  await tell({ type: 'handled', ms: performance.now() - startedAt, handled })
}

onMessage(async (message) => {
  const order = message as Order
  if (order.type === 'subscribe') return subscribe()
  if (order.type === 'publish') return publish(order.perTopic)
  await queue.disconnect({ timeoutMs: 5_000 })
  process.exit(0)
})
await tell({ type: 'connected' })

import { createQueue, Unrecoverable } from '@mq/core'
import { kafka } from '@mq/kafka'
import { report } from '@mq/test-brokers'

/** Disconnects while handlers are stuck, and leaves it to the process to end. */
const [url = '', topic = ''] = process.argv.slice(2)
const queue = createQueue(kafka({ url, partitions: 1, sessionTimeoutMs: 6_000 }), { group: 'g' })
await queue.connect()
let stuck = 0
const handler = async ({ data }: { readonly data: unknown }) => {
  if (data === 'dead') throw new Unrecoverable('on purpose')
  if (data === 'retried') throw new Error('once')
  stuck += 1
  await new Promise(() => {})
}
await queue.subscribe(topic, handler, { timeoutMs: 600_000, ordered: true })
await queue.subscribe(topic, handler, { ephemeral: true, timeoutMs: 600_000 })
await queue.publish(topic, 'delayed', { delayMs: 600_000 })
await queue.publishAll(topic, ['dead', 'retried', 'stuck'])
while (stuck < 2) await new Promise((resolve) => setImmediate(resolve))
await queue.disconnect({ timeoutMs: 500 })
await report('disconnected')
// The parent does not keep this process alive.
process.channel?.unref()
process.stderr.write(JSON.stringify(process.getActiveResourcesInfo()))
setTimeout(() => process.stderr.write(JSON.stringify(process.getActiveResourcesInfo())), 3000).unref()

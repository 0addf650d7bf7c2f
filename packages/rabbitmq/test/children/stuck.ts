import { setImmediate as turn } from 'node:timers/promises'
import { createQueue } from '@mq/core'
import { rabbitmq } from '@mq/rabbitmq'
import { report } from '@mq/test-brokers'

/** Disconnects while handlers are stuck, and leaves it to the process to end. */
const [url = '', topic = ''] = process.argv.slice(2)
const queue = createQueue(rabbitmq({ url }), { group: 'workers' })
await queue.connect()
let stuck = 0
const handler = async (): Promise<void> => {
  stuck += 1
  await new Promise(() => {})
}
await queue.subscribe(topic, handler)
await queue.subscribe(topic, handler, { group: 'ordered', ordered: true })
await queue.subscribe(topic, handler, { ephemeral: true })
await queue.publish(topic, 'stuck')
await queue.publish(topic, 'delayed', { delayMs: 600_000 })
while (stuck < 3) await turn()
await queue.disconnect({ timeoutMs: 500 })
await report({ isDisconnected: true })
// The parent does not keep this process alive.
process.channel?.unref()

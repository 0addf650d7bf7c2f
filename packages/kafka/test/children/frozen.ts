import { createQueue } from '@mq/core'
import { kafka } from '@mq/kafka'
import { onMessage, report } from '@mq/test-brokers'

/** When it is told that its link is frozen, calls what a broker has to answer, disconnects, and leaves it to the process to end. */
const [url = '', topic = ''] = process.argv.slice(2)
const queue = createQueue(kafka({ url, partitions: 1, sessionTimeoutMs: 6_000 }), { group: 'g' })
queue.on('error', () => {})
await queue.connect()
await queue.subscribe(topic, () => {})
await queue.subscribe(topic, () => {}, { ephemeral: true })
await queue.publish(topic, 1)
onMessage(async () => {
  const ignore = (): void => {}
  queue.publish(topic, 2, { timeoutMs: 600_000 }).catch(ignore)
  queue.publish('another', 3, { timeoutMs: 600_000 }).catch(ignore)
  queue.deadLetters(topic).list().catch(ignore)
  queue.stats(topic).catch(ignore)
  queue.subscribe('another', () => {}).catch(ignore)
  await new Promise((resolve) => setTimeout(resolve, 300))
  await queue.disconnect({ timeoutMs: 500 }).catch(ignore)
  await report('disconnected')
  // The parent does not keep this process alive.
  process.channel?.unref()
})
await report('ready')

import { createQueue, type Queue } from '@mq/core'
import { rabbitmq } from '@mq/rabbitmq'
import { rabbitmq as startRabbitmq } from '@mq/test-brokers'
import { textTable } from '../table.js'

/** How many groups are declared at the same time. */
const together = 10
const tries = 5

/** Measures how long each view of a RabbitMQ with so many topics takes, each with one group. */
export async function lookAtRabbitmq(topics: number): Promise<void> {
  const broker = await startRabbitmq({ management: true })
  if (broker.managementUrl === undefined) throw new Error('RabbitMQ has no management API here')
  const queue = createQueue(rabbitmq({ url: broker.url, management: { url: broker.managementUrl } }), { group: 'g' })
  await queue.connect()
  console.error('filling ...')
  for (let from = 0; from < topics; from += together) {
    const names = Array.from({ length: Math.min(together, topics - from) }, (_, index) => `topic-${from + index}`)
    await Promise.all(names.map((name) => queue.declareGroup(name, 'g')))
  }
  await queue.publishAll('topic-0', Array(100).fill({ order: 7 }))
  const rows: string[][] = []
  for (const [name, look] of Object.entries(views(queue))) {
    const took: number[] = []
    let found = ''
    for (let times = 0; times < tries; times++) {
      const startedAt = performance.now()
      found = await look()
      took.push(performance.now() - startedAt)
    }
    took.sort((a, b) => a - b)
    rows.push([name, found, String(Math.round(took[Math.floor(tries / 2)] ?? 0)), String(Math.round(took.at(-1) ?? 0))])
  }
  console.log(textTable(['view', 'found', 'median, ms', 'longest, ms'], rows))
  console.log(`rabbitmq ${broker.version ?? ''}, Node ${process.versions.node}, ${topics} topics`)
  await queue.disconnect()
  await broker.stop()
}

const views = (from: Queue): Readonly<Record<string, () => Promise<string>>> => ({
  'topics(), a page of 100': async () => `${(await from.topics()).items.length} topics`,
  'topics(), a page of 1,000': async () => `${(await from.topics({ limit: 1_000 })).items.length} topics`,
  'groups(topic)': async () => `${(await from.groups('topic-0')).items.length} groups`,
  'stats(topic, group)': async () => `${(await from.stats('topic-0')).ready} ready`,
  'pauseGroup and resumeGroup': async () => {
    await from.pauseGroup('topic-0', 'g')
    await from.resumeGroup('topic-0', 'g')
    return 'done'
  },
})

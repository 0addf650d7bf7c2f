import { parseArgs } from 'node:util'
import { createQueue, type Queue } from '@mq/core'
import { redis } from '@mq/redis'
import { Redis } from 'ioredis'
import { startBroker } from '../brokers.js'
import { textTable } from '../table.js'
import { costOf } from './cost.js'
import { fill, type Sizes } from './fill.js'
import { lookAtRabbitmq } from './rabbitmq.js'

const usage = `Usage: pnpm --filter @mq/bench looking [options]

Measures what each view costs a Redis that holds a lot: --topics (5000), --waiting (1000000), --dead (100000), --running (2000).
With --broker rabbitmq: how long each takes with --topics (5000), over AMQP and the management API.`

const { values } = parseArgs({
  options: {
    broker: { type: 'string', default: 'redis' },
    topics: { type: 'string', default: '5000' },
    waiting: { type: 'string', default: '1000000' },
    dead: { type: 'string', default: '100000' },
    running: { type: 'string', default: '2000' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(usage)
  process.exit(0)
}
if (values.broker === 'rabbitmq') {
  await lookAtRabbitmq(Number(values.topics))
  process.exit(0)
}
const sizes: Sizes = {
  topics: Number(values.topics),
  waiting: Number(values.waiting),
  dead: Number(values.dead),
  running: Number(values.running),
}

const broker = await startBroker('redis')
const admin = new Redis(broker.url)
const queue = createQueue(redis({ url: broker.url, checkPersistence: false }), { group: 'g' })
await queue.connect()
const topic = 'big'
console.error('filling ...')
await fill({ admin, queue, topic, sizes })

const rows: string[][] = []
for (const [name, look] of Object.entries(views(queue))) {
  const { result, commands, brokerMs, medianMs, longestMs, clientMs } = await costOf(admin, look)
  rows.push([
    name,
    result,
    String(commands),
    medianMs.toFixed(2),
    longestMs.toFixed(2),
    brokerMs.toFixed(1),
    clientMs.toFixed(0),
  ])
}
const head = ['view', 'found', 'commands', 'one, ms', 'longest, ms', 'broker, ms', 'caller, ms']
console.log(textTable(head, rows))
console.log(`${broker.version}, Node ${process.versions.node}, ${JSON.stringify(sizes)}`)
await queue.disconnect()
admin.disconnect()
await broker.stop()
process.exit(0)

/** The calls that are measured. Each says in a few words what it has found. */
function views(from: Queue): Readonly<Record<string, () => Promise<string>>> {
  const waiting = from.waiting(topic)
  const letters = from.deadLetters(topic)
  const pageOf = (state: 'ready' | 'delayed' | 'retrying' | 'inFlight') => async () =>
    `${(await waiting.list({ state })).items.length} messages`
  let deep = ''
  return {
    'topics(), a page of 100': async () => `${(await from.topics()).items.length} topics`,
    'topics(), a page of 1,000': async () => `${(await from.topics({ limit: 1_000 })).items.length} topics`,
    'groups(topic)': async () => `${(await from.groups(topic)).items.length} groups`,
    'stats(topic, group)': async () => {
      const { ready, dead } = await from.stats(topic)
      return `${ready} ready, ${dead} dead`
    },
    'waiting, ready, a page of 100': pageOf('ready'),
    'waiting, ready, 50 pages of 1,000': async () => {
      let after: string | undefined
      let count = 0
      for (let page = 0; page < 50; page++) {
        const { items, next } = await waiting.list({ limit: 1_000, after })
        count += items.length
        after = next
        deep = items.at(-1)?.entryId ?? deep
      }
      return `${count} messages`
    },
    'remove one, 50,000 behind the first': async () => `${(await waiting.remove([deep])).removed} removed`,
    'waiting, delayed, a page of 100': pageOf('delayed'),
    'waiting, retrying, a page of 100': pageOf('retrying'),
    'waiting, in flight, a page of 100': pageOf('inFlight'),
    'dead letters, a page of 100': async () => `${(await letters.page()).items.length} dead letters`,
    'dead letters, 1 in all that match': async () =>
      `${(await letters.list({ where: { id: `dead-${sizes.dead - 1}` } })).length} dead letters`,
    'pauseGroup and resumeGroup': async () => {
      await from.pauseGroup(topic, 'g')
      await from.resumeGroup(topic, 'g')
      return 'done'
    },
  }
}

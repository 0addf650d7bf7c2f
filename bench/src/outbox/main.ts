// Measures how fast a relay sends a backlog of an outbox, beside what the adapter publishes by itself.
import { parseArgs } from 'node:util'
import { openQueue } from '@mq/core'
import { createOutbox } from '@mq/postgres'
import { postgresql, until } from '@mq/test-brokers'
import { Client } from 'pg'
import { startBroker } from '../brokers.js'
import { contenders } from '../contenders.js'
import { bodyOf } from '../system.js'
import { markdownTable } from '../table.js'

const brokers = ['redis', 'rabbitmq', 'kafka'] as const
type Target = (typeof brokers)[number]
const usage = `Usage: pnpm bench:outbox <${brokers.join('|')}> [--messages 100000] [--bytes 200] [--rounds 3]`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    messages: { type: 'string', default: '100000' },
    bytes: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
  },
})
const [broker] = positionals.filter((name): name is Target => brokers.includes(name as Target))
if (broker === undefined || positionals.length !== 1) {
  console.error(usage)
  process.exit(2)
}
const [messages, bytes, rounds] = [values.messages, values.bytes, values.rounds].map(Number) as [number, number, number]
/** How many messages one call publishes, and one transaction writes. */
const portion = 1_000
const minutesMs = 300_000

const target = await startBroker(broker)
const database = await postgresql()
const queue = await openQueue(target.url, { group: 'bench', maxPendingMessages: 4 * portion })
const outbox = createOutbox({ url: database.url })
await outbox.connect()
const client = new Client({ connectionString: database.url })
await client.connect()

const bodies = (from: number): readonly unknown[] =>
  Array.from({ length: Math.min(portion, messages - from) }, (_, index) => bodyOf(from + index, bytes))

async function rateOf(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return (messages / (performance.now() - startedAt)) * 1_000
}

async function round(number: number): Promise<readonly number[]> {
  const topic = `t-${number}`
  await queue.declareGroup(topic, 'bench')
  const published = await rateOf(async () => {
    for (let from = 0; from < messages; from += portion) await queue.publishAll(topic, bodies(from))
  })
  const written = await rateOf(async () => {
    for (let from = 0; from < messages; from += portion) {
      await client.query('BEGIN')
      await outbox.publishAll(client, topic, bodies(from))
      await client.query('COMMIT')
    }
  })
  const relayed = await rateOf(async () => {
    const relay = await outbox.relay(queue)
    const isEmpty = async () => (await outbox.stats()).waiting === 0
    await until(isEmpty, { what: 'an empty outbox', timeoutMs: minutesMs })
    await relay.stop()
  })
  await queue.deleteGroup(topic, 'bench')
  return [published, written, relayed, relayed / published]
}

const measured: (readonly number[])[] = []
for (let number = 0; number < rounds; number++) {
  measured.push(await round(number))
  console.error(
    `round ${number + 1}: ${measured
      .at(-1)
      ?.map((value) => value.toFixed(2))
      .join(', ')}`,
  )
}
const median = (column: number): number =>
  measured.map((row) => row[column] ?? Number.NaN).sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? Number.NaN
const whole = (value: number): string => Math.round(value).toLocaleString('en')

console.log(
  markdownTable(
    ['through', 'published/s', 'written/s', 'relayed/s', 'relayed / published'],
    [[contenders[broker].ours, whole(median(0)), whole(median(1)), whole(median(2)), `${median(3).toFixed(2)} x`]],
  ),
)
await outbox.disconnect()
await queue.disconnect()
await client.end()
await target.stop()
await database.stop()
process.exit(0)

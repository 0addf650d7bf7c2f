// Measures from enqueue to reply: how long one task takes, and how many tasks a second are possible. The contenders take turns.
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { apart } from '../apart.js'
import { startBroker } from '../brokers.js'
import { type Broker, contenders } from '../contenders.js'
import type { TaskFigures } from './one.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, tasks: { type: 'string', default: '5000' } },
})
const broker = positionals[0] as Broker
const [rounds, tasks] = [Number(values.rounds), Number(values.tasks)]
const isWhole = [rounds, tasks].every((number) => Number.isSafeInteger(number) && number > 0)
if (!(broker in contenders) || positionals.length !== 1 || !isWhole) {
  console.error(`Usage: pnpm bench:tasks <${Object.keys(contenders).join('|')}> [--rounds N] [--tasks N]`)
  process.exit(2)
}
const systems: readonly (readonly [file: string, name: string])[] = [
  ['ours', contenders[broker].ours],
  ...(broker === 'redis' ? [['bullmq', 'BullMQ, waitUntilFinished'] as const] : []),
]
const program = new URL('./one.ts', import.meta.url)

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

const server = await startBroker(broker)
try {
  const figures = new Map(systems.map(([file]) => [file, [] as TaskFigures[]]))
  for (let round = 0; round < rounds; round++) {
    for (const [system] of systems) {
      const job = { system, url: server.url, tasks }
      figures.get(system)?.push(await apart<TaskFigures>({ program, job, timeoutMs: 300_000 }))
    }
  }
  const table = new Table({ head: ['', 'p50 ms', 'p99 ms', 'tasks/s'], style: { head: [], border: [] } })
  for (const [file, name] of systems) {
    const of = (part: keyof TaskFigures): number => median((figures.get(file) ?? []).map((each) => each[part]))
    table.push([name, of('p50Ms').toFixed(2), of('p99Ms').toFixed(2), of('perSecond').toFixed(0)])
  }
  console.log(table.toString())
  console.log(
    `${server.version}, Node ${process.versions.node}, ${tasks} tasks, 50 in flight, medians of ${rounds} rounds`,
  )
} finally {
  await server.stop()
}
process.exit()

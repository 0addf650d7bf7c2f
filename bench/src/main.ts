import { parseArgs } from 'node:util'
import { startBroker } from './brokers.js'
import { type Broker, contenders, namesFor } from './contenders.js'
import type { Workload } from './measure.js'
import { runRounds } from './rounds.js'
import { head, markdownTable, rows, textTable } from './table.js'

const usage = `Usage: pnpm bench <${Object.keys(contenders).join('|')}> [options]

  --rounds N     rounds, each with one measurement of every contender (5)
  --messages N   messages of each measurement (20000)
  --bytes N      bytes of each body (200)
  --markdown     prints the table as docs/benchmarks.md has it`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    messages: { type: 'string', default: '20000' },
    bytes: { type: 'string', default: '200' },
    markdown: { type: 'boolean', default: false },
  },
})
const [broker] = positionals.filter((name): name is Broker => name in contenders)
if (broker === undefined || positionals.length !== 1) {
  console.error(usage)
  process.exit(2)
}
const work: Workload = {
  messages: whole('messages'),
  bytes: whole('bytes'),
  inFlight: 100,
  perSecond: 200,
  latencyMs: 5_000,
}
const server = await startBroker(broker)
try {
  const rounds = await runRounds({
    systems: Object.keys(namesFor(broker)),
    url: server.url,
    rounds: whole('rounds'),
    work,
    onRound: ({ system, figures }, number) => {
      const { publishPerSecond, drainPerSecond, latencyP99Ms } = figures
      const rates = `${publishPerSecond | 0} publish/s, ${drainPerSecond | 0} drain/s`
      console.error(`round ${number}: ${namesFor(broker)[system]} ${rates}, p99 ${latencyP99Ms?.toFixed(1)} ms`)
    },
  })
  const body = rows(namesFor(broker), rounds)
  console.log(values.markdown ? markdownTable(head, body) : textTable(head, body))
  console.log(`${server.version}, Node ${process.versions.node}, ${work.messages} messages of ${work.bytes} bytes`)
} finally {
  await server.stop()
}
process.exit()

function whole(name: 'rounds' | 'messages' | 'bytes'): number {
  const value = Number(values[name])
  if (Number.isSafeInteger(value) && value >= 1) return value
  console.error(`--${name} must be a whole number from 1, not ${values[name]}\n\n${usage}`)
  process.exit(2)
}

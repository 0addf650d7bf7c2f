import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { startBroker } from '../brokers.js'
import { type Broker, contenders } from '../contenders.js'
import type { Way } from './message.js'
import { type Walked, walked } from './walked.js'

const usage = `Usage: pnpm --filter @mq/bench walk <${Object.keys(contenders).join('|')}> [options]

  --names   lists the files and their functions too`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { names: { type: 'boolean', default: false } },
})
const [adapter] = positionals.filter((name): name is Broker => name in contenders)
if (adapter === undefined || positionals.length !== 1) {
  console.error(usage)
  process.exit(2)
}

const ways: Readonly<Record<Way, string>> = { done: 'done', dead: 'one retry, then dead' }
const server = await startBroker(adapter)
try {
  const both = await walked(adapter, { url: server.url, quietMs: 500 })
  const table = new Table({
    head: ['', 'files', 'of core', 'of the adapter', 'named functions'],
    style: { head: [], border: [] },
  })
  for (const way of ['done', 'dead'] as const) table.push([ways[way], ...figuresOf(both[way])])
  console.log(table.toString())
  console.log(`${server.version}, Node ${process.versions.node}, from publish to the end of the settlement`)
  if (values.names) for (const way of ['done', 'dead'] as const) console.log(`\n${ways[way]}\n${namesOf(both[way])}`)
} finally {
  await server.stop()
}
process.exit()

function figuresOf({ functions }: Walked): readonly number[] {
  const files = [...functions.keys()]
  const ofCore = files.filter((file) => file.startsWith('packages/core/')).length
  const names = [...functions.values()].reduce((sum, { length }) => sum + length, 0)
  return [files.length, ofCore, files.length - ofCore, names]
}

function namesOf({ functions }: Walked): string {
  const lines = [...functions].map(([file, names]) => `  ${file}: ${names.join(', ')}`)
  return lines.sort().join('\n')
}

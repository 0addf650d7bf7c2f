import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import type { ServerKind } from '@mq/test-brokers'
import seedrandom from 'seedrandom'
import { soak } from './soak.js'

const brokers: readonly ServerKind[] = ['rabbitmq', 'redis', 'kafka', 'postgres']
const usage = `Usage: pnpm soak <${brokers.join('|')}> [options]

  --minutes N     duration (10)
  --per-second N  messages published in a second (300)
  --hostile       writes hostile messages beside the load, with the generators of pnpm fuzz
  --seed N        injects the same faults in the same order again`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '10' },
    'per-second': { type: 'string', default: '300' },
    hostile: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(randomInt(1, 2 ** 31)) },
  },
})
const [broker] = positionals.filter((name): name is ServerKind => brokers.includes(name as ServerKind))
if (broker === undefined || positionals.length !== 1) fail(usage)

const seed = whole('seed')
console.log(`${broker}, seed ${seed}`)
const problems = await soak({
  broker,
  minutes: whole('minutes'),
  perSecond: whole('per-second'),
  isHostile: values.hostile,
  random: seedrandom(String(seed)),
  print: (line) => console.log(line),
})
for (const problem of problems) console.log(`✖ ${problem}`)
if (problems.length === 0) {
  console.log('✔ nothing was lost, nothing unexpected ran or died, memory has not grown, every connection was closed')
}
process.exit(problems.length === 0 ? 0 : 1)

function whole(name: 'minutes' | 'per-second' | 'seed'): number {
  const value = Number(values[name])
  if (Number.isSafeInteger(value) && value >= 1) return value
  return fail(`--${name} must be a whole number from 1, not ${values[name]}\n\n${usage}`)
}

function fail(text: string): never {
  console.error(text)
  process.exit(2)
}

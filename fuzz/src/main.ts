import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { kinds as allKinds } from '@mq/test-brokers'
import { isRun, knownOf, silentOn } from './known.js'
import { type FuzzedKind, openOwn } from './open.js'
import type { OracleName } from './oracle/broken.js'
import { fuzz } from './run.js'

const kinds = allKinds.filter((kind): kind is FuzzedKind => kind !== 'postgres')
const usage = `Usage: pnpm fuzz <${kinds.join('|')}> [options]

  --minutes N     how long (1)
  --rounds N      at most so many rounds
  --seed N        the same entries in the same order again
  --path P        of a failure: that round alone, as it was after shrinking
  --only NAME     one generator, or all whose names begin so; may be repeated
  --all           generators too that are known to fail
  --without NAME  an oracle that says nothing, such as text; may be repeated
  --shrink N      seconds that looking for smaller entries may take (60)
  --list          the names of the generators`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '1' },
    rounds: { type: 'string' },
    seed: { type: 'string', default: String(randomInt(1, 2 ** 31)) },
    path: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
    all: { type: 'boolean', default: false },
    without: { type: 'string', multiple: true, default: [] },
    shrink: { type: 'string', default: '60' },
    list: { type: 'boolean', default: false },
  },
})

const [broker] = positionals.filter((name): name is FuzzedKind => kinds.includes(name as FuzzedKind))
if (broker === undefined || positionals.length !== 1) fail(usage)

const seed = integer('seed', values.seed)
const opened = await openOwn(broker)
const { enemy, begin, stop } = opened
const isWanted = (name: string): boolean =>
  values.only.length > 0 ? values.only.some((start) => name.startsWith(start)) : values.all || isRun(name)

if (values.list) {
  for (const { name } of enemy.generators) {
    const missing = isRun(name) ? undefined : knownOf(name).find(({ oracles }) => oracles === undefined)?.missing
    console.log(`${name}${missing === undefined ? '' : `  (left out: ${missing})`}`)
  }
  await stop()
  process.exit(0)
}

console.log(`${broker}, seed ${seed}`)
const { failures, rounds } = await fuzz({
  enemy,
  begin,
  seed,
  forMs: number('minutes', values.minutes) * 60_000,
  rounds: values.rounds === undefined ? undefined : number('rounds', values.rounds),
  path: values.path,
  isWanted,
  without: (name) => [
    ...(values.all || values.only.length > 0 ? [] : silentOn(name)),
    ...(values.without as OracleName[]),
  ],
  shrinkMs: number('shrink', values.shrink) * 1_000,
  stopAtFirst: false,
  print: (line) => console.log(line),
})
await stop()
const count = Object.values(rounds).reduce((sum, one) => sum + one, 0)
console.log(
  Object.entries(rounds)
    .map(([name, times]) => `${name} x${times}`)
    .join(', '),
)
console.log(
  failures.length === 0
    ? `✔ ${count} rounds, every promise held`
    : `✖ ${failures.length} generators found something in ${count} rounds`,
)
process.exit(failures.length === 0 ? 0 : 1)

function number(name: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  return fail(`--${name} must be a number above 0, not ${text}\n\n${usage}`)
}

function integer(name: string, text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value)) return value
  return fail(`--${name} must be a whole number, not ${text}\n\n${usage}`)
}

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}

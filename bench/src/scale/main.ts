import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { within } from '@mq/test-brokers'
import { builtPackages } from '../apart.js'
import { startBroker } from '../brokers.js'
import { type Broker, contenders } from '../contenders.js'
import { markdownTable, textTable } from '../table.js'
import type { Part, Setting, Sheet } from './part.js'
import { parts } from './parts.js'
import { svgOf } from './picture.js'
import { defaultSizes, meanings, type Sizes, sizesFrom } from './sizes.js'

const sizeNames = Object.keys(defaultSizes) as (keyof Sizes)[]
const usage = `Usage: pnpm bench:scale <${Object.keys(contenders).join('|')}> [options]

  --only LIST           parts to measure, of: ${parts.map(({ name }) => name).join(', ')} (all)
  --svg FOLDER          writes the pictures into this folder
  --markdown            prints the tables as docs/benchmarks.md has them
  --part-minutes N      ends a part that takes longer (60)

Sizes:
${sizeNames.map((name) => `  ${`--${name}`.padEnd(20)}  ${meanings[name]} (${[defaultSizes[name]].flat().join(',') || 'none'})`).join('\n')}`

const { values, positionals } = readArguments()
const [broker] = positionals.filter((name): name is Broker => name in contenders)
if (broker === undefined || positionals.length !== 1) fail(usage)
const chosen = choose(broker)
const setting: Setting = {
  broker,
  sizes: readSizes(),
  start: (isAsShipped) => startBroker(broker, isAsShipped),
  env: builtPackages,
  print: (line) => console.error(line),
}
const partMs = Number(values['part-minutes']) * 60_000
if (!(partMs > 0)) fail(`--part-minutes must be a number above 0, not ${values['part-minutes']}`)

let failures = 0
for (const part of chosen) {
  try {
    const sheet = await within(part.measure(setting), { what: `the part ${part.name} to end`, timeoutMs: partMs })
    await show(part, sheet)
  } catch (error) {
    failures += 1
    console.error(`✖ ${part.name}:`, error)
  }
}
const { version, stop } = await startBroker(broker)
await stop()
console.log(`${version}, Node ${process.versions.node}`)
process.exit(failures === 0 ? 0 : 1)

async function show({ name }: Part, { title, head, rows, pictures }: Sheet): Promise<void> {
  console.log(`\n${values.markdown ? '### ' : ''}${title}\n`)
  console.log(values.markdown ? markdownTable(head, rows) : textTable(head, rows))
  if (values.svg === undefined) return
  // pnpm runs this program in its package, and keeps where the command was given.
  const folder = resolve(process.env.INIT_CWD ?? '.', values.svg)
  await mkdir(folder, { recursive: true })
  for (const picture of pictures) {
    if (picture.points.every(({ y }) => Number.isNaN(y))) continue
    const file = join(folder, `${broker}-${picture.name}.svg`)
    await writeFile(file, svgOf(picture, `${contenders[broker as Broker].ours}: ${title}`))
    console.error(`${name}: ${file}`)
  }
}

function choose(kind: Broker): readonly Part[] {
  const canRun = ({ needsServer }: Part): boolean => kind !== 'memory' || !needsServer
  if (values.only === undefined) return parts.filter(canRun)
  return values.only.split(',').map((name) => {
    const part = parts.find((one) => one.name === name)
    if (part === undefined) return fail(`There is no part ${name}\n\n${usage}`)
    if (!canRun(part)) return fail(`The part ${name} has several processes, and the embedded broker is in one`)
    return part
  })
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        only: { type: 'string' },
        svg: { type: 'string' },
        markdown: { type: 'boolean', default: false },
        'part-minutes': { type: 'string', default: '60' },
        ...(Object.fromEntries(sizeNames.map((name) => [name, { type: 'string' }])) as Record<
          keyof Sizes,
          { type: 'string' }
        >),
      },
    })
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${usage}`)
  }
}

function readSizes(): Sizes {
  try {
    return sizesFrom(values)
  } catch (error) {
    return fail((error as Error).message)
  }
}

function fail(text: string): never {
  console.error(text)
  process.exit(2)
}

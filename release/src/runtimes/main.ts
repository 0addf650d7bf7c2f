// `pnpm test:runtimes`: packs and installs the packages, and tries them on Node, Bun and Deno.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../../../scripts/lib/workspace.mjs'
import { application } from '../application.js'
import { pack } from '../tarball.js'
import { remove, throwAwayFolder } from '../throw-away.js'
import { built, packages } from '../workspace-copy.js'
import { startBrokers } from './brokers.js'
import { defaultRuntimes, installRuntime, isRuntime } from './runtime.js'
import { allWell, type Trial, trialTable } from './table.js'
import { tryOn } from './trials.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { report: { type: 'string', default: join(root, 'temp', 'runtimes') } },
})
const wanted = positionals.length > 0 ? positionals : defaultRuntimes
const unknown = wanted.find((id) => !isRuntime(id))
if (unknown !== undefined) {
  console.error(`Usage: pnpm test:runtimes [runtime ...], such as node-20.19 bun-1; ${unknown} is none`)
  process.exit(2)
}
if (!built()) throw new Error('The trials use the built packages: run pnpm build first')

const throwAway = throwAwayFolder()
const trials: Trial[] = []
try {
  const app = application({ folder: join(throwAway, 'application') })
  const tarballs = packages.map(({ folder, manifest: { name } }) =>
    pack({ folder: join(root, folder), into: join(throwAway, 'packed', name) }),
  )
  await app.install(...(await Promise.all(tarballs)).map(({ path }) => path))
  app.write('smoke.mjs', readFileSync(new URL('smoke.mjs', import.meta.url), 'utf8'))

  const brokers = await startBrokers()
  try {
    mkdirSync(values.report, { recursive: true })
    for (const id of wanted) {
      const runtime = await installRuntime(id)
      const suiteReport = join(values.report, `${id}.suite.json`)
      const own = await tryOn({ runtime, app, brokers, onTrial, suiteReport })
      writeFileSync(join(values.report, `${id}.trials.json`), `${JSON.stringify(own, undefined, 2)}\n`)
      trials.push(...own)
    }
  } finally {
    await brokers.stop()
  }
} finally {
  remove(throwAway)
}
console.log(`\n${trialTable(trials)}\n`)
process.exit(allWell(trials) ? 0 : 1)

function onTrial({ runtime, what, result, problem }: Trial): void {
  const isWell = problem === undefined
  console.log(`${isWell ? '✔' : '✖'} ${runtime}, ${what}: ${isWell ? result : problem}`)
}

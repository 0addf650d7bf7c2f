// `pnpm test:node`: packs and installs the packages, and tries them on all supported versions of Node.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../../scripts/lib/workspace.mjs'
import { application } from '../application.js'
import { pack } from '../tarball.js'
import { remove, throwAwayFolder } from '../throw-away.js'
import { built, packages } from '../workspace-copy.js'
import { startBrokers } from './brokers.js'
import { installNode } from './node.js'
import { allWell, type Trial, trialTable } from './table.js'
import { tryOn } from './trials.js'

const asked = process.argv.slice(2)
const wanted = asked.length > 0 ? asked : ['20.19', '22', '24']
const unknown = wanted.find((version) => !/^\d+(\.\d+){0,2}$/.test(version))
if (unknown !== undefined) {
  console.error(`Usage: pnpm test:node [version ...], such as pnpm test:node 20.19 24; ${unknown} is not a version`)
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
    for (const version of wanted) {
      const node = await installNode(version, join(throwAway, `node-${version}`))
      trials.push(...(await tryOn({ node, app, brokers, onTrial })))
    }
  } finally {
    await brokers.stop()
  }
} finally {
  remove(throwAway)
}
console.log(`\n${trialTable(trials)}\n`)
process.exit(allWell(trials) ? 0 : 1)

function onTrial({ version, what, result, problem }: Trial): void {
  const isWell = problem === undefined
  console.log(`${isWell ? '✔' : '✖'} Node ${version}, ${what}: ${isWell ? result : problem}`)
}

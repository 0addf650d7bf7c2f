// `pnpm mutate`: runs Stryker on the memory adapter and core's consumer side, or on the given files. Results are written mutant
// by mutant, so a run that reaches its time limit still reports what it did.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import stryker from '../stryker.config.mjs'
import { copyOfRepository } from './lib/copy.mjs'
import { run, stopWithSignals } from './lib/run.mjs'
import { tool } from './lib/toolchain.mjs'
import { root } from './lib/workspace.mjs'

const timeoutMs = 40 * 60_000
/** The score that all files together have to reach, in percent. */
const wanted = 80

/** Returns the mutants of each file with their status, which is undefined for a mutant that was not tried. */
function mutantsIn(copy) {
  const folder = join(copy, stryker.eventReporter.baseDir)
  const names = existsSync(folder) ? readdirSync(folder) : []
  const eventsOf = (kind) =>
    names.filter((name) => name.endsWith(`-${kind}.json`)).map((name) => readEvent(join(folder, name)))
  const tested = new Map(eventsOf('onMutantTested').map((mutant) => [mutant?.id, mutant]))
  const planned = eventsOf('onMutationTestingPlanReady').flatMap((plan) => plan?.mutantPlans ?? [])
  const found = new Map()
  for (const { mutant } of planned) {
    const { id, mutatorName, replacement, location } = mutant
    const { status, killedBy } = tested.get(id) ?? {}
    if (status === 'Ignored') continue
    const file = relative(copy, mutant.fileName).replaceAll('\\', '/')
    found.set(file, [...(found.get(file) ?? []), { mutatorName, replacement, location, status, killedBy }])
  }
  return found
}

/** Returns undefined for a file that was not completely written when time ran out. */
function readEvent(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

const count = (mutants, ...statuses) => mutants.filter(({ status }) => statuses.includes(status)).length

function line(name, mutants) {
  const noticed = count(mutants, 'Killed', 'Timeout')
  const all = noticed + count(mutants, 'Survived', 'NoCoverage')
  const score = all === 0 ? 0 : (100 * noticed) / all
  const left = count(mutants, undefined)
  console.log(
    `${score.toFixed(1).padStart(6)} %  ${String(noticed).padStart(4)} of ${String(all).padStart(4)}  ${name}` +
      (left > 0 ? `, ${left} not done` : ''),
  )
  return score
}

stopWithSignals()
const copy = copyOfRepository()
process.on('exit', () => rmSync(copy, { recursive: true, force: true }))
const files = process.argv.slice(2)
const [program, ...args] = tool('@stryker-mutator/core', 'stryker', ['run'])
const { code, problem } = await run(program, files.length > 0 ? [...args, '--mutate', files.join(',')] : args, {
  cwd: copy,
  isShown: true,
  timeoutMs,
})
if (code !== 0) console.error(`\nStryker ${problem ?? `ended with exit code ${code}`}`)
const found = mutantsIn(copy)
console.log('\nMutants that the tests notice:\n')
for (const [file, mutants] of found) line(file, mutants)
const score = line('all of them', [...found.values()].flat())
mkdirSync(join(root, 'temp'), { recursive: true })
writeFileSync(join(root, 'temp', 'mutation.json'), JSON.stringify(Object.fromEntries(found), null, 2))
process.exitCode = score >= wanted && code === 0 ? 0 : 1

// `pnpm mutate`: Stryker over the memory adapter and core's consumer side, or over the files that are named. What is found is
// written down mutant by mutant, so that there is a figure for what was done when the time is over.
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import stryker from '../stryker.config.mjs'
import { run, stopWithSignals } from './lib/run.mjs'
import { tool } from './lib/toolchain.mjs'
import { root, workspacePackages } from './lib/workspace.mjs'

const timeoutMs = 40 * 60_000
/** What a report has to say of them all together, in percent. */
const wanted = 80

/** A copy, so that whatever ends this, no fault is left in the files that one works on. */
function copyOfRepository() {
  const copy = mkdtempSync(join(tmpdir(), 'mq-mutate-'))
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
  for (const path of listed.split('\0').filter((each) => each !== '' && existsSync(join(root, each)))) {
    mkdirSync(dirname(join(copy, path)), { recursive: true })
    copyFileSync(join(root, path), join(copy, path))
  }
  for (const folder of ['.', ...workspacePackages().map((each) => each.folder)]) {
    const modules = join(root, folder, 'node_modules')
    if (existsSync(modules)) symlinkSync(modules, join(copy, folder, 'node_modules'), 'junction')
  }
  return copy
}

/** The mutants of each file with what became of them. One whose turn did not come has no status. */
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

/** Undefined for one that was being written when the time was over. */
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

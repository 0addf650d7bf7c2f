// `pnpm mutate`: Stryker over the memory adapter and core's consumer side, or over the files that are named. File by file,
// so that there is a figure for what was done when the time is over.
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import stryker from '../stryker.config.mjs'
import { run, stopWithSignals } from './lib/run.mjs'
import { tool } from './lib/toolchain.mjs'
import { root, workspacePackages } from './lib/workspace.mjs'

const deadline = Date.now() + 40 * 60_000
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

/** The mutants of a file, or undefined when there was no time for all of them. */
async function mutantsOf(file, copy) {
  const report = join(copy, stryker.jsonReporter.fileName)
  rmSync(report, { force: true })
  const [program, ...args] = tool('@stryker-mutator/core', 'stryker', ['run', '--mutate', file])
  const { problem } = await run(program, args, { cwd: copy, isShown: true, deadlineMs: deadline - Date.now() })
  if (existsSync(report)) return Object.values(JSON.parse(readFileSync(report, 'utf8')).files)[0]?.mutants ?? []
  console.error(`No report of ${file}${problem === undefined ? '' : `: Stryker ${problem}`}`)
  return undefined
}

const count = (mutants, ...statuses) => mutants.filter(({ status }) => statuses.includes(status)).length

function line(name, mutants) {
  const noticed = count(mutants, 'Killed', 'Timeout')
  const all = noticed + count(mutants, 'Survived', 'NoCoverage')
  const score = all === 0 ? 100 : (100 * noticed) / all
  console.log(
    `${score.toFixed(1).padStart(6)} %  ${String(noticed).padStart(4)} of ${String(all).padStart(4)}  ${name}`,
  )
  return score
}

stopWithSignals()
const copy = copyOfRepository()
process.on('exit', () => rmSync(copy, { recursive: true, force: true }))
const files = process.argv.length > 2 ? process.argv.slice(2) : stryker.mutate
const found = new Map()
for (const file of files) {
  const mutants = deadline - Date.now() > 60_000 ? await mutantsOf(file, copy) : undefined
  if (mutants !== undefined) found.set(file, mutants)
}
console.log('\nMutants that the tests notice:\n')
for (const [file, mutants] of found) line(file, mutants)
const score = line('all of them', [...found.values()].flat())
const left = files.filter((file) => !found.has(file))
if (left.length > 0) console.log(`\nNot done: ${left.join(', ')}`)
mkdirSync(join(root, 'temp'), { recursive: true })
writeFileSync(join(root, 'temp', 'mutation.json'), JSON.stringify(Object.fromEntries(found), null, 2))
process.exitCode = score >= wanted && left.length === 0 ? 0 : 1

// `pnpm mutate`: Stryker over the memory adapter and core's consumer side. Arguments go to Stryker: `--mutate <file>`.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { run, stopWithSignals } from './lib/run.mjs'
import { tool } from './lib/toolchain.mjs'
import { root, workspacePackages } from './lib/workspace.mjs'

const deadlineMs = 40 * 60_000

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

stopWithSignals()
const copy = copyOfRepository()
process.on('exit', () => rmSync(copy, { recursive: true, force: true }))
const [program, ...args] = tool('@stryker-mutator/core', 'stryker', ['run', ...process.argv.slice(2)])
const { code, problem } = await run(program, args, { cwd: copy, isShown: true, deadlineMs })
if (problem !== undefined) console.error(`Stryker ${problem}`)
const report = join(copy, 'temp', 'mutation.json')
if (existsSync(report)) {
  mkdirSync(join(root, 'temp'), { recursive: true })
  copyFileSync(report, join(root, 'temp', 'mutation.json'))
}
process.exitCode = code

import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './run.mjs'
import { tool } from './toolchain.mjs'
import { root } from './workspace.mjs'

const folder = join(root, 'temp', 'runtimes')
const timeoutMs = 30 * 60_000

const runtime = (id, title) => ({ id, title, isRuntime: true })

/** Each cell runs the suite on memory, and an application on memory and on each broker, with the packed packages on one runtime. */
export const runtimes = [
  runtime('node-20.19', 'Node 20.19'),
  runtime('node-22', 'Node 22'),
  runtime('node-24', 'Node 24'),
  runtime('bun-1', 'Bun 1'),
  runtime('deno-2', 'Deno 2'),
]

/**
 * Tries the packed packages on a runtime. Resolves to `{ runtime, passed, failed, failures, suitePath }`: each broker counts as one test,
 * and `suitePath` is the suite's report.
 */
export async function tryRuntime({ id }) {
  const [suitePath, trialsPath] = ['suite', 'trials'].map((name) => join(folder, `${id}.${name}.json`))
  for (const file of [suitePath, trialsPath]) rmSync(file, { force: true })
  const [turbo, ...build] = tool('turbo', 'turbo', [
    'run',
    'build',
    '--filter=./packages/*',
    '--output-logs=errors-only',
  ])
  const commands = [
    [turbo, build, root],
    [process.execPath, ['--import', 'tsx', 'src/runtimes/main.ts', id], join(root, 'release')],
  ]
  let problem
  for (const [program, args, cwd] of commands) {
    if (problem !== undefined) break
    const ended = await run(program, args, { cwd, isShown: true, timeoutMs })
    if (ended.code !== 0) problem = ended.problem ?? `ended with ${ended.code}`
  }
  return { ...countTrials(read(trialsPath), problem), suitePath }
}

const read = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined)

/** Counts the trials of a runtime. If there are none, the problem counts as one that failed. */
export function countTrials(trials, problem) {
  if (trials === undefined || trials.length === 0) return { passed: 0, failed: 1, failures: [problem ?? 'no trials'] }
  const failures = trials.filter((trial) => trial.problem !== undefined).map(({ what }) => what)
  return { runtime: trials[0].runtime, passed: trials.length - failures.length, failed: failures.length, failures }
}

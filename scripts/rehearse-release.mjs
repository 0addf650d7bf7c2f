// `pnpm rehearse-release`: builds the published packages and runs the tests of a release. Arguments are passed to vitest.
import { run, stopWithSignals } from './lib/run.mjs'
import { tool, turbo } from './lib/toolchain.mjs'
import { removeBuilt } from './lib/workspace.mjs'

stopWithSignals()
removeBuilt()
const build = turbo('build', '--filter=./packages/*', '--output-logs=errors-only')
const tests = tool('vitest', 'vitest', ['run', '--project', 'release', '--reporter=verbose', ...process.argv.slice(2)])
for (const [program, ...args] of [build, tests]) {
  const { code, problem } = await run(program, args, { isShown: true, timeoutMs: 1_200_000 })
  if (problem !== undefined) console.error(`The rehearsal ${problem}`)
  process.exitCode = code
  if (code !== 0) break
}

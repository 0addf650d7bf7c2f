// `pnpm test:long`: runs the conformance tests of all adapters, their clusters and the schedules under faults, with the cases that
// take minutes. Arguments are passed to vitest.
import { run, stopWithSignals } from './lib/run.mjs'
import { tool } from './lib/toolchain.mjs'

stopWithSignals()
const [program, ...args] = tool('vitest', 'vitest', [
  'run',
  'test/conformance.test.ts',
  'test/cluster.test.ts',
  'test/schedules.test.ts',
  ...process.argv.slice(2),
])
const { code, problem } = await run(program, args, {
  env: { ...process.env, MQ_TEST_LONG: '1' },
  isShown: true,
  timeoutMs: 2 * 3_600_000,
})
if (problem !== undefined) console.error(`The tests ${problem}`)
process.exitCode = code

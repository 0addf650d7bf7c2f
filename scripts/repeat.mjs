// `pnpm repeat 20 --project memory`: runs a selection of tests 20 times in a row and stops at the first failure.
import { run, stopWithSignals } from './lib/run.mjs'
import { tool } from './lib/toolchain.mjs'

const [count, ...args] = process.argv.slice(2)
const times = Number(count)

if (!Number.isSafeInteger(times) || times < 1) {
  console.error('Usage: pnpm repeat <n> [arguments of vitest], as in pnpm repeat 20 --project memory')
  process.exitCode = 2
} else {
  stopWithSignals()
  process.exitCode = (await repeat()) ? 0 : 1
}

async function repeat() {
  for (let round = 1; round <= times; round++) {
    console.log(`\nround ${round} of ${times}`)
    const [program, ...vitest] = tool('vitest', 'vitest', ['run', ...args])
    const { code, problem } = await run(program, vitest, { isShown: true, timeoutMs: 3_600_000 })
    if (code === 0) continue
    console.log(
      `\nround ${round} of ${times} failed${problem === undefined ? '' : `: it ${problem}`}; ${round - 1} were green`,
    )
    return false
  }
  console.log(`\n${times} of ${times} green`)
  return true
}

// `pnpm test:interop`: reads messages that Python wrote, and the reverse, on real brokers. Python's packages are installed into a
// temporary folder. Arguments are passed to vitest.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run, stopWithSignals, tell } from './lib/run.mjs'
import { tool } from './lib/toolchain.mjs'
import { root } from './lib/workspace.mjs'

stopWithSignals()
const folder = mkdtempSync(join(tmpdir(), 'mq-interop-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
process.exitCode = await testInterop(process.argv.slice(2))

async function testInterop(args) {
  const [bin, name] = process.platform === 'win32' ? ['Scripts', 'python'] : ['bin', 'python3']
  const python = join(folder, bin, process.platform === 'win32' ? 'python.exe' : 'python')
  const made = await run(name, ['-m', 'venv', folder])
  if (made.code !== 0 || !existsSync(python)) {
    console.error(`It needs Python 3.10 or newer with its venv module (on Debian, python3-venv).\n${tell(made)}`)
    return 1
  }
  const requirements = join(root, 'docs', 'interop', 'requirements.txt')
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirements]
  const installed = await run(python, pip)
  if (installed.code !== 0) {
    console.error(tell(installed))
    return installed.code
  }
  const [program, ...vitest] = tool('vitest', 'vitest', ['run', '--config', 'docs/interop/vitest.config.ts', ...args])
  const env = { ...process.env, MQ_INTEROP_PYTHON: python }
  const { code, problem } = await run(program, vitest, { env, isShown: true, timeoutMs: 1_800_000 })
  if (problem !== undefined) console.error(`The tests ${problem}`)
  return code
}

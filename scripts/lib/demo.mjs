import { spawn } from 'node:child_process'
import { progress, seconds } from './progress.mjs'
import { exitCodeOf, onEndingSignal, run, stopWithSignals, tell } from './run.mjs'
import { findPnpm, installCommand, turbo } from './toolchain.mjs'
import { root } from './workspace.mjs'

/** Installs, builds the demo and what it depends on, and runs it. Its exit code becomes that of this process. */
export async function demo(args) {
  const giveSignalsBack = stopWithSignals()
  const problem = await prepare()
  giveSignalsBack()
  if (problem !== undefined) console.error(problem.trimEnd())
  process.exitCode = problem === undefined ? await start(args) : 1
}

/** Resolves to what went wrong, or to undefined. */
async function prepare() {
  const { env, pnpm, problem } = await step('finding pnpm', findPnpm)
  if (problem !== undefined) return problem

  const installed = await step('installing', () => run(pnpm[0], [...pnpm.slice(1), ...installCommand], { env }))
  if (installed.code !== 0) return `The installation failed.\n${tell(installed)}`

  const [command, ...args] = turbo('build', '--filter=@mq/demo', '--output-logs=errors-only')
  const built = await step('building', () => run(command, args, { env }))
  if (built.code !== 0) return `The build failed.\n${tell(built)}`
  return undefined
}

async function step(title, action) {
  const end = progress(title)
  const result = await action()
  const ms = end()
  // What took a moment only is not worth a line.
  if (ms > 3_000) console.log(`✔ ${title} ${seconds(ms)}`)
  return result
}

function start(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['apps/demo/dist/main.js', ...args], { cwd: root, stdio: 'inherit' })

    // A terminal sends these to the demo as well; a second one from here would cut its shutdown short.
    const fromTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY ? ['SIGINT', 'SIGHUP'] : []
    onEndingSignal((signal) => {
      if (!fromTerminal.includes(signal)) child.kill(signal)
    })

    child.once('error', (error) => {
      console.error(`The demo could not be started: ${error.message}`)
      resolve(1)
    })
    child.once('close', (code, signal) => resolve(signal === null ? code : exitCodeOf(signal)))
  })
}

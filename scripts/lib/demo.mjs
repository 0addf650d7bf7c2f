import { spawn } from 'node:child_process'
import { prepare } from './prepare.mjs'
import { exitCodeOf, onEndingSignal, stopWithSignals } from './run.mjs'
import { root } from './workspace.mjs'

/** Installs, builds the demo and what it depends on, and runs it. This process ends with the demo's exit code. */
export async function demo(args) {
  const giveSignalsBack = stopWithSignals()
  const { problem } = await prepare('--filter=@mq/demo')
  giveSignalsBack()
  if (problem !== undefined) console.error(problem.trimEnd())
  process.exitCode = problem === undefined ? await start(args) : 1
}

function start(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['apps/demo/dist/main.js', ...args], { cwd: root, stdio: 'inherit' })

    // A terminal sends these to the demo as well, and a second signal would cut its shutdown short.
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

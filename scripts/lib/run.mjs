import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { stripVTControlCharacters } from 'node:util'
import { root } from './workspace.mjs'

const isWindows = process.platform === 'win32'
const killAfterMs = 5_000
const running = new Set()

/**
 * Runs a program to its end and resolves to `{ code, output, stdout, problem }`; it never rejects.
 *
 * `output` is all that it wrote and `stdout` the part of it that came there, without colours; with `isShown` both are empty
 * and it writes to the terminal itself. `problem` says in words why it ended badly, when that was not its own exit code. Past
 * `timeoutMs` it is killed with all it has started.
 */
export function run(command, args, { cwd = root, env = process.env, isShown = false, timeoutMs = 600_000 } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: ['ignore', isShown ? 'inherit' : 'pipe', isShown ? 'inherit' : 'pipe'],
      // A group of its own, so that a signal reaches all that it has started.
      detached: !isWindows,
      shell: isWindows && !command.endsWith('.exe'),
    })
    running.add(child)
    const all = []
    const own = []
    child.stdout?.on('data', (chunk) => {
      all.push(chunk)
      own.push(chunk)
    })
    child.stderr?.on('data', (chunk) => all.push(chunk))

    let isLate = false
    const deadline = setTimeout(() => {
      isLate = true
      stop(child, 'SIGTERM')
    }, timeoutMs)

    const finish = (code, problem) => {
      clearTimeout(deadline)
      running.delete(child)
      resolve({ code, problem, output: textOf(all), stdout: textOf(own) })
    }
    // What it has left running would otherwise stay, and keep its output open.
    child.once('exit', () => signalGroup(child, 'SIGKILL'))
    child.once('error', (error) => finish(1, `${command} could not be started: ${error.message}`))
    child.once('close', (code, signal) => {
      if (isLate) finish(1, `did not end within ${timeoutMs / 1000} s`)
      else if (signal !== null) finish(exitCodeOf(signal), `was ended by ${signal}`)
      else finish(code)
    })
  })
}

const textOf = (chunks) => stripVTControlCharacters(Buffer.concat(chunks).toString('utf8'))

/** What to show of a run that failed. */
export const tell = ({ output = '', problem }) => [output.trimEnd(), problem].filter(Boolean).join('\n')

/**
 * Calls `listener` with each signal that asks this process to end, in place of ending it. Returns the function that stops that.
 *
 * npm and pnpm give a signal to the shell that they started us by, and that one ends without passing it on: being left by
 * them counts as SIGTERM.
 */
export function onEndingSignal(listener) {
  for (const signal of endingSignals) process.on(signal, listener)
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    listener('SIGTERM')
  }, 200)
  watch.unref()
  if (process.env.npm_lifecycle_event === undefined) clearInterval(watch)
  return () => {
    clearInterval(watch)
    for (const signal of endingSignals) process.off(signal, listener)
  }
}

/** Ends what runs and then this process when it is asked to end. Returns the function that stops that. */
export function stopWithSignals() {
  return onEndingSignal((signal) => {
    const leave = () => process.exit(exitCodeOf(signal))
    if (running.size === 0) leave()
    for (const child of running) {
      child.once('close', leave)
      stop(child, signal)
    }
  })
}

const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP']
export const exitCodeOf = (signal) => 128 + (constants.signals[signal] ?? 0)

function stop(child, signal) {
  signalGroup(child, signal)
  const kill = setTimeout(() => signalGroup(child, 'SIGKILL'), killAfterMs)
  child.once('close', () => clearTimeout(kill))
}

function signalGroup(child, signal) {
  try {
    if (isWindows) child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch {
    // It has ended meanwhile.
  }
}

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
 * `output` is all that the program wrote and `stdout` is its standard output, both without colours. With `isShown` both are empty
 * and the program writes to the terminal itself. `problem` says why it ended badly if its own exit code does not. After
 * `timeoutMs` it is killed together with all processes that it started.
 */
export function run(command, args, { cwd = root, env = process.env, isShown = false, timeoutMs = 600_000 } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: ['ignore', isShown ? 'inherit' : 'pipe', isShown ? 'inherit' : 'pipe'],
      // A process group of its own lets a signal reach all processes that it starts.
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
    // Processes that it left running would otherwise stay and keep its output open.
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

/** Returns the text to show for a failed run. */
export const tell = ({ output = '', problem }) => [output.trimEnd(), problem].filter(Boolean).join('\n')

/**
 * Calls `listener` with each signal that asks this process to end, instead of ending it. Returns the function that stops listening.
 *
 * npm and pnpm send a signal to the shell that started us, which ends without passing it on. The end of that parent therefore
 * counts as SIGTERM.
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

/** Ends the running programs and then this process when a signal asks for it. Returns the function that stops listening. */
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
    // It has already ended.
  }
}

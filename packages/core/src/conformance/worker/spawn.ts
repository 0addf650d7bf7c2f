import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { PausableWorker } from '../kit/kit.js'
import { until } from '../kit/wait.js'
import { createTurns } from '../runner/turns.js'
import type { Subject, WorkerEvent, WorkerProgram } from '../subject.js'

/** The worker's program. The build places it beside the suite as `conformance-worker.js`. */
const entry = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './main.ts' : './conformance-worker.js', import.meta.url),
)

const readyWithinMs = 40_000

/** A start takes a processor for a while, so that many at once would all be late. */
const starts = createTurns()

/** Runs the program in a process of its own, which ends with this one. Resolves once its consumer is ready. */
export function startWorkerProcess(program: WorkerProgram, node: Subject['node'] = {}): Promise<PausableWorker> {
  return starts.take(true, () => start(program, node))
}

async function start(program: WorkerProgram, node: NonNullable<Subject['node']>): Promise<PausableWorker> {
  const child = spawn(process.execPath, [...(node.args ?? []), entry], {
    env: { ...process.env, ...node.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  // Every user of the machine can read arguments, and the program may contain a password.
  child.send(program, () => {})
  const events: WorkerEvent[] = []
  let output = ''
  let hasEnded = false
  child.on('message', (event) => events.push(event as WorkerEvent))
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = `${output}${text}`.slice(-4_000)
    })
  }
  // Events from before its end may still be in the channel when the process is gone.
  const exited = new Promise<void>((resolve) => {
    const end = (): void => {
      hasEnded = true
      resolve()
    }
    child.once('error', (error) => {
      output += error.message
      end()
    })
    child.once('close', () => (child.connected ? child.once('disconnect', end) : end()))
  })
  const kill = async (): Promise<void> => {
    if (!hasEnded) child.kill('SIGKILL')
    await exited
  }
  const send = async (signal: NodeJS.Signals): Promise<void> => {
    if (!hasEnded) child.kill(signal)
  }
  // A handler may end its process before the process has reported that it is ready.
  const isReady = (): boolean => events.some(({ type }) => type === 'ready' || type === 'started')
  await until('the worker process to be ready', () => isReady() || hasEnded, { timeoutMs: readyWithinMs }).catch(
    async (error) => {
      await kill()
      throw error
    },
  )
  if (!isReady()) throw new Error(`The worker process ended before it was ready. It printed:\n${output}`)
  return { events, exited, kill, pause: () => send('SIGSTOP'), resume: () => send('SIGCONT') }
}

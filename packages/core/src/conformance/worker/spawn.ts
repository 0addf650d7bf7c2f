import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { until } from '../kit/wait.js'
import type { Subject, Worker, WorkerEvent, WorkerProgram } from '../subject.js'

/** The build puts the worker's program beside the suite under a name of its own. */
const entry = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './main.ts' : './conformance-worker.js', import.meta.url),
)

const readyWithinMs = 20_000

/** Runs the program in a process of its own, which ends with this one. Resolves once its consumer is ready. */
export async function startWorkerProcess(program: WorkerProgram, node: Subject['node'] = {}): Promise<Worker> {
  const child = spawn(process.execPath, [...(node.args ?? []), entry], {
    env: { ...process.env, ...node.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  // Not as an argument, which everybody on the machine can read: there may be a password in it.
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
  // What it reported before its end may still be in the channel when it is gone.
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
  // A handler that ends its process may do so before the process has said that it is ready.
  const isReady = (): boolean => events.some(({ type }) => type === 'ready' || type === 'started')
  await until('the worker process to be ready', () => isReady() || hasEnded, { timeoutMs: readyWithinMs }).catch(
    async (error) => {
      await kill()
      throw error
    },
  )
  if (!isReady()) throw new Error(`The worker process ended before it was ready. It printed:\n${output}`)
  return { events, exited, kill }
}

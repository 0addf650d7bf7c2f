import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Subject, Worker, WorkerEvent, WorkerProgram } from './subject.js'
import { until } from './wait.js'

/** Beside this file, as source and as built. */
const entry = fileURLToPath(
  new URL(`./conformance-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
)

const readyWithinMs = 20_000

/** Runs the program in a process of its own, which ends with this one. Resolves once its consumer is ready. */
export async function startWorkerProcess(program: WorkerProgram, node: Subject['node'] = {}): Promise<Worker> {
  const child = spawn(process.execPath, [...(node.args ?? []), entry, JSON.stringify(program)], {
    env: { ...process.env, ...node.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const events: WorkerEvent[] = []
  let output = ''
  let hasEnded = false
  child.on('message', (event) => events.push(event as WorkerEvent))
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = `${output}${text}`.slice(-4_000)
    })
  }
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      output += error.message
      hasEnded = true
      resolve()
    })
    child.once('close', () => {
      hasEnded = true
      resolve()
    })
  })
  const kill = async (): Promise<void> => {
    if (!hasEnded) child.kill('SIGKILL')
    await exited
  }
  const isReady = (): boolean => events.some((event) => event.type === 'ready')
  await until('the worker process to be ready', () => isReady() || hasEnded, { timeoutMs: readyWithinMs }).catch(
    async (error) => {
      await kill()
      throw error
    },
  )
  if (!isReady()) throw new Error(`The worker process ended before it was ready. It printed:\n${output}`)
  return { events, exited, kill }
}

import type { Worker, WorkerEvent, WorkerProgram } from '../../src/conformance/subject.js'
import { createQueue, type Message } from '../../src/index.js'
import adapterFor from './broker/adapter-module.js'

const quiet = { debug() {}, info() {}, warn() {}, error() {} }

/** Starts a consumer that behaves like a process of its own: it shares only the broker, and can be killed. */
export async function startWorker(program: WorkerProgram): Promise<Worker> {
  const { ref, concurrency, handler, afterMs = 0, attempts } = program
  const adapter = adapterFor(program.options)
  const queue = createQueue(adapter, { log: quiet })
  const events: WorkerEvent[] = []
  let alive = true
  let exit: () => void
  const exited = new Promise<void>((resolve) => {
    exit = resolve
  })

  const end = (): void => {
    alive = false
    adapter.vanish()
    exit()
  }
  const report = (event: WorkerEvent): void => {
    if (alive) events.push(event)
  }
  const run = async ({ id, attempt }: Message): Promise<void> => {
    report({ type: 'started', id, attempt })
    if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs))
    if (handler === 'crash') end()
    if (handler === 'hang' || !alive) await new Promise(() => {})
    report({ type: 'handled', id, attempt })
    if (handler === 'leave') void queue.disconnect().then(exit)
  }

  try {
    await queue.connect()
    const retry = attempts === undefined ? {} : { retry: { attempts } }
    await queue.subscribe(ref.topic, run, { group: ref.group, concurrency, ...retry })
  } catch (error) {
    end()
    throw error
  }
  report({ type: 'ready' })
  return {
    events,
    exited,
    async kill() {
      if (alive) end()
    },
  }
}

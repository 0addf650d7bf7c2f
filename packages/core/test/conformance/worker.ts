import type { Worker, WorkerEvent, WorkerProgram } from '../../src/conformance/subject.js'
import { createQueue, type Message } from '../../src/index.js'
import adapterFor from './broker/adapter-module.js'

const quiet = { debug() {}, info() {}, warn() {}, error() {} }

/** A consumer that could as well be a process of its own: it shares nothing but the broker, and ends like one. */
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
  const tell = (event: WorkerEvent): void => {
    if (alive) events.push(event)
  }
  const run = async ({ id, attempt }: Message): Promise<void> => {
    tell({ type: 'started', id, attempt })
    if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs))
    if (handler === 'crash') end()
    if (handler === 'hang' || !alive) await new Promise(() => {})
    tell({ type: 'handled', id, attempt })
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
  tell({ type: 'ready' })
  return {
    events,
    exited,
    async kill() {
      if (alive) end()
    },
  }
}

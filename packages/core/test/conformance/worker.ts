import type { Worker, WorkerEvent, WorkerProgram } from '../../src/conformance/subject.js'
import { createQueue, type HandlerContext, type Message } from '../../src/index.js'
import adapterFor from './broker/adapter-module.js'

const quiet = { debug() {}, info() {}, warn() {}, error() {} }

/** Starts a consumer that behaves like a process of its own: it shares only the broker, and can be killed. */
export async function startWorker(program: WorkerProgram): Promise<Worker> {
  const { ref, concurrency, handler, afterMs = 0, attempts = 5, ordered = false } = program
  const retry = { attempts, backoff: 'fixed', delayMs: 50, jitter: 'none' } as const
  const adapter = adapterFor(program.options)
  const { standstill } = adapter
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
  const run = async ({ id, attempt }: Message, { signal }: HandlerContext): Promise<void> => {
    signal.addEventListener('abort', () => report({ type: 'aborted', id, attempt }))
    report({ type: 'started', id, attempt })
    if (handler === 'block') holdEventLoop(afterMs)
    if (afterMs > 0) await standstill.sleep(afterMs)
    if (handler === 'fail') throw new Error('The handler fails on purpose')
    if (handler === 'crash') end()
    if (handler === 'hang' || !alive) await new Promise(() => {})
    report({ type: 'handled', id, attempt })
    if (handler === 'leave') void queue.disconnect().then(exit)
  }

  /** Holds back everything of this worker alone, whose event loop is that of all. */
  const holdEventLoop = (ms: number): void => {
    standstill.pause()
    setTimeout(() => standstill.resume(), ms)
  }

  try {
    await queue.connect()
    await queue.subscribe(ref.topic, run, { group: ref.group, concurrency, retry, ...(ordered && { ordered }) })
  } catch (error) {
    end()
    throw error
  }
  report({ type: 'ready' })
  return {
    events,
    exited,
    pause: async () => standstill.pause(),
    resume: async () => standstill.resume(),
    async kill() {
      if (alive) end()
    },
  }
}

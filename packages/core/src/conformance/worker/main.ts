// A consumer in a process of its own, for the suite to kill. Started by worker.ts, which sends its program.
import { createQueue } from '../../index.js'
import { sleep } from '../kit/wait.js'
import { loadFactory } from '../runner/adapter-module.js'
import type { WorkerEvent, WorkerProgram } from '../subject.js'

const program = await new Promise<WorkerProgram>((resolve) => process.once('message', resolve))
const { ref, concurrency, attempts = 5 } = program

/** Resolves once the parent's end of the channel has it, so that a SIGKILL after it takes nothing back. */
const report = (event: WorkerEvent): Promise<void> => new Promise((resolve) => process.send?.(event, () => resolve()))

/** A run that ends this process must not do it before the suite knows that it was ready. */
let begin = (): void => {}
const begun = new Promise<void>((resolve) => {
  begin = resolve
})

/** Nothing is left to do then: whatever keeps this process alive after it is the adapter's. */
async function leave(): Promise<void> {
  await queue.disconnect()
  process.channel?.unref()
}

// The suite's process has gone, and nobody is left who would end this one.
process.on('disconnect', () => process.exit(1))

const factory = await loadFactory(program.adapter)
const queue = createQueue(factory(program.options), { group: ref.group })
await queue.connect()
await queue.subscribe(
  ref.topic,
  async ({ id, attempt }) => {
    await begun
    await report({ type: 'started', id, attempt })
    await sleep(program.afterMs ?? 0)
    if (program.handler === 'crash') process.kill(process.pid, 'SIGKILL')
    if (program.handler === 'hang') await new Promise(() => {})
    await report({ type: 'handled', id, attempt })
    if (program.handler === 'leave') void leave()
  },
  { concurrency, retry: { attempts, backoff: 'fixed', delayMs: 50, jitter: 'none' } },
)
await report({ type: 'ready' })
begin()

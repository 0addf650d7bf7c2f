// A consumer in a process of its own that the suite kills. `spawn.ts` starts it and sends its program.
import { performance } from 'node:perf_hooks'
import { createQueue } from '../../index.js'
import { sleep } from '../kit/wait.js'
import { loadFactory } from '../runner/adapter-module.js'
import type { WorkerEvent, WorkerProgram } from '../subject.js'

const program = await new Promise<WorkerProgram>((resolve) => process.once('message', resolve))
const { ref, concurrency, attempts = 5, afterMs = 0, ordered = false } = program

/** Resolves once the parent's end of the channel has the event, so that a later SIGKILL cannot lose it. */
const report = (event: WorkerEvent): Promise<void> => new Promise((resolve) => process.send?.(event, () => resolve()))

/** Opens when the consumer is ready, because a run must not end this process before the suite knows that. */
let begin = (): void => {}
const begun = new Promise<void>((resolve) => {
  begin = resolve
})

/** Disconnects. If anything keeps this process alive afterwards, it belongs to the adapter. */
async function leave(): Promise<void> {
  await queue.disconnect()
  process.channel?.unref()
}

function holdEventLoop(ms: number): void {
  const endsAt = performance.now() + ms
  while (performance.now() < endsAt);
}

// The suite's process is gone, so nothing else would end this one.
process.on('disconnect', () => process.exit(1))

const factory = await loadFactory(program.adapter)
const queue = createQueue(factory(program.options), { group: ref.group })
await queue.connect()
await queue.subscribe(
  ref.topic,
  async ({ id, attempt }, { signal }) => {
    await begun
    signal.addEventListener('abort', () => void report({ type: 'aborted', id, attempt }))
    await report({ type: 'started', id, attempt })
    if (program.handler === 'block') holdEventLoop(afterMs)
    else await sleep(afterMs)
    if (program.handler === 'fail') throw new Error('The handler fails on purpose')
    if (program.handler === 'crash') process.kill(process.pid, 'SIGKILL')
    if (program.handler === 'hang') await new Promise(() => {})
    await report({ type: 'handled', id, attempt })
    if (program.handler === 'leave') void leave()
  },
  { concurrency, ...(ordered && { ordered }), retry: { attempts, backoff: 'fixed', delayMs: 50, jitter: 'none' } },
)
await report({ type: 'ready' })
begin()

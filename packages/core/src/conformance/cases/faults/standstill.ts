import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import type { Collector, Run } from '../../kit/collector.js'
import type { Kit } from '../../kit/kit.js'
import type { Ledger } from '../../kit/ledger.js'
import { workerIds } from '../../kit/ledger.js'
import { healMs } from '../../kit/load.js'
import { NotRun } from '../../kit/measurements.js'
import { createGate, sleep } from '../../kit/wait.js'
import type { Worker, WorkerProgram } from '../../subject.js'

/** Each waits until the broker takes a message away from a process that stands still, twice at most. */
const timeoutMs = ({ redeliveryMs }: { readonly redeliveryMs: number }): number => 180_000 + 4 * redeliveryMs

/** Longer than the shortest session of a Kafka group, which is 6 s. */
const longestStallMs = 8_000

/** Tests consumers that stand still for longer than they may own a message, and then go on as if nothing had happened. */
export const standstillFaults: readonly ConformanceCase[] = [
  {
    id: 'FLT-24',
    title: 'a process that goes on after a pause past redeliveryMs acknowledges nothing that another consumer owns',
    promises: [3, 4],
    level: 'required',
    needs: ['worker'],
    timeoutMs,
    run: (kit) => goOnLate(kit, { handler: 'handle' }),
  },
  {
    id: 'FLT-25',
    title:
      'a handler that fails after a pause past redeliveryMs neither retries nor dead-letters what another one owns',
    promises: [3, 4, 6],
    level: 'required',
    needs: ['worker'],
    timeoutMs,
    run: (kit) => goOnLate(kit, { handler: 'fail', attempts: 50 }),
  },
  {
    id: 'FLT-26',
    title: 'a handler whose process goes on after a pause past redeliveryMs learns of its loss: its signal aborts',
    promises: [3],
    level: 'required',
    needs: ['worker'],
    timeoutMs,
    async run(kit) {
      const { worker, next } = await takeOver(kit, { handler: 'hang' })
      await worker.resume()
      const isTold = (): boolean => workerIds(worker, 'aborted').includes('m-0')
      await kit.until('the signal of the handler that stood still to abort', isTold, { timeoutMs: kit.redeliveryMs })
      await kit.quiet(() => worker.events.length + next.runs.length)
      assert.deepEqual(workerIds(worker, 'started'), ['m-0'], 'runs of the process that stood still')
      assertOwner(next.runs)
    },
  },
  {
    id: 'FLT-27',
    title: 'a handler that holds the event loop past redeliveryMs acknowledges nothing that another consumer owns',
    promises: [3, 4],
    level: 'required',
    needs: ['worker'],
    timeoutMs,
    run: (kit) => goOnLate(kit, { handler: 'block', afterMs: kit.redeliveryMs }),
  },
  {
    id: 'FLT-33',
    title:
      'a handler that holds the event loop past redeliveryMs, without another consumer, is not run again and again',
    promises: [4, 6],
    level: 'required',
    needs: ['worker'],
    timeoutMs,
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      await queue.declareGroup(topic, 'g')
      const { redeliveryMs } = kit.capabilities
      const worker = await kit.worker({ topic, handler: 'block', afterMs: redeliveryMs + 1_000, attempts: 3 })
      await queue.publish(topic, 1, { id: 'm' })
      const isHandled = (): boolean => workerIds(worker, 'handled').length > 0
      await kit.until('the message to be handled', isHandled, { timeoutMs: redeliveryMs + healMs })
      // A run whose answer came too late may be repeated, at once or when the broker gives the message away.
      const isSettled = async (): Promise<boolean> => {
        const { ready = 0, inFlight = 0, retrying = 0 } = await queue.stats(topic)
        return (
          ready + inFlight + retrying === 0 &&
          workerIds(worker, 'started').length === workerIds(worker, 'handled').length
        )
      }
      await kit.until('the group to be empty', isSettled, { timeoutMs: 3 * redeliveryMs + healMs })
      await kit.quiet(() => worker.events.length)
      await worker.kill()
      const later = await kit.collect(queue, topic)
      await kit.quiet(() => later.runs.length)
      assert.ok(
        workerIds(worker, 'started').length <= 2,
        `the message ran ${workerIds(worker, 'started').length} times`,
      )
      assert.deepEqual(later.ids, [])
      assert.deepEqual(await queue.deadLetters(topic).list(), [])
    },
  },
  {
    id: 'FLT-34',
    title: 'a handler that holds the event loop for no longer than health().maxStallMs says keeps its message',
    promises: [3, 9],
    level: 'required',
    needs: ['worker'],
    timeoutMs: 120_000,
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      const { maxStallMs } = queue.health()
      if (maxStallMs === undefined) throw new NotRun('health() does not say for how long an event loop may be held')
      await queue.declareGroup(topic, 'g')
      const stallMs = Math.min(0.9 * maxStallMs, longestStallMs)
      const worker = await kit.worker({ topic, handler: 'block', afterMs: stallMs })
      await queue.publish(topic, 1, { id: 'm' })
      const isBusy = (): boolean => workerIds(worker, 'started').length > 0
      await kit.until('the process to run the message', isBusy, { timeoutMs: healMs })
      const next = await kit.collect(queue, topic)
      const isHandled = (): boolean => workerIds(worker, 'handled').length > 0
      await kit.until('the message to be handled', isHandled, { timeoutMs: stallMs + healMs })
      await kit.quiet(() => next.runs.length + worker.events.length)
      assert.deepEqual(workerIds(worker, 'started'), ['m'], 'runs of the process whose event loop was held')
      assert.deepEqual(next.ids, [], 'runs elsewhere')
    },
  },
]

type Program = Pick<WorkerProgram, 'handler' | 'afterMs' | 'attempts'>

interface TakenOver {
  readonly worker: Worker & { resume(): Promise<void> }
  readonly ledger: Ledger
  /** The consumer that runs the message of the process that stands still. It holds it until `open`. */
  readonly next: Collector
  open(): void
}

/** Lets a process stand still in the middle of its handler, and waits until another consumer runs its message, `m-0`. */
async function takeOver(kit: Kit, program: Program): Promise<TakenOver> {
  const [queue, topic, gate] = [await kit.queue(), kit.topic(), createGate()]
  const ledger = kit.ledger(topic)
  await queue.declareGroup(topic, 'g')
  // It is over during the pause, and long enough that a busy machine pauses the process before.
  const afterMs = Math.min(2_000, kit.capabilities.redeliveryMs / 2)
  const worker = await kit.pausable({ topic, afterMs, ...program })
  ledger.watch(worker)
  await ledger.publish(queue, { count: 1 })
  const isBusy = (): boolean => workerIds(worker, 'started').length > 0
  await kit.until('the process to run the message', isBusy, { timeoutMs: healMs })
  const startedAt = performance.now()
  if (program.handler !== 'block') await worker.pause()
  assert.deepEqual(workerIds(worker, 'handled'), [], 'messages that were handled before the pause')
  const handler = ({ id }: { readonly id: string }): unknown => (id === 'm-0' ? gate.opened : undefined)
  const next = await ledger.collect(queue, { handler })
  await kit.until('another consumer to run the message', () => next.running === 1, { timeoutMs: kit.redeliveryMs })
  await sleep(afterMs - (performance.now() - startedAt))
  return { worker, ledger, next, open: gate.open }
}

/** Checks that what a handler returns too late concerns nobody else's run. */
async function goOnLate(kit: Kit, program: Program): Promise<void> {
  const { worker, ledger, next, open } = await takeOver(kit, program)
  await worker.resume()
  // The answer of its handler is behind the process once it runs another message.
  const other = await kit.queue()
  const isBack = async (): Promise<boolean> => {
    await ledger.publish(other, { count: 3 })
    await sleep(20)
    return workerIds(worker, 'started').length > 1
  }
  await kit.until('the process to run another message', isBack, { timeoutMs: kit.redeliveryMs + healMs })
  await kit.quiet(() => workerIds(worker, 'started').length + next.runs.length)
  assertOwner(next.runs)
  await worker.kill()

  const queue = await kit.queue()
  await next.subscription.stop({ timeoutMs: 0 })
  const last = await ledger.collect(queue)
  const isRun = (): boolean => last.runs.some(({ id }) => id === 'm-0')
  await kit.until('a third run, because nobody has settled the message', isRun, { timeoutMs: kit.redeliveryMs })
  open()
  // This is the run that was stopped. A process that succeeds adds its late answer and what it held when it was killed.
  const duplicates = program.handler === 'fail' ? 1 : 3
  await ledger.check({ queue, duplicates, withinMs: kit.redeliveryMs + healMs })
  assert.deepEqual(
    workerIds(worker, 'started').filter((id) => id === 'm-0').length,
    1,
    'runs in the process that stood still',
  )
  assert.deepEqual(await queue.deadLetters(kit.topic()).list(), [])
}

/** Checks that the message has had one run here. A consumer may lose it again to a third one, and then knows. */
function assertOwner(runs: readonly Run[]): void {
  const own = runs.filter(({ id }) => id === 'm-0')
  assert.deepEqual({ runs: own.length, aborted: own[0]?.signal.aborted }, { runs: 1, aborted: false })
}

import assert from 'node:assert/strict'
import { defineTask, isMqError } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { rejection } from '../../kit/expect.js'
import { assertGroupEmpty, reply, stageTask } from '../../kit/task-cases.js'
import { withoutDelays } from '../../kit/timing.js'
import { aborted, createGate, sleep } from '../../kit/wait.js'

export const taskCancelling: readonly ConformanceCase[] = [
  {
    id: 'TSK-16',
    title:
      'a running task that another scheduler cancels sees its signal abort, is not retried, and its caller gets MQ_TASK_CANCELLED',
    promises: [17, 18],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const { asker, queue, task, runs } = await stageTask(kit, {
        async execute(_, { signal }) {
          await aborted(signal)
          throw signal.reason
        },
      })
      const canceller = await kit.scheduler()
      const handle = await asker.enqueue(task, 1, { reply: true })
      await kit.until('the task to run', () => runs.length > 0, reply)
      assert.equal(await canceller.cancel(handle.id, { onlyRunning: true }), true)
      await rejection(handle.result(reply), 'MQ_TASK_CANCELLED')
      const { reason } = runs[0]?.context.signal ?? {}
      assert.ok(isMqError(reason, 'MQ_TASK_CANCELLED'), `the signal aborted with ${String(reason)}`)
      await kit.quiet(() => runs.length)
      assert.equal(runs.length, 1, 'runs')
      await assertGroupEmpty(kit, queue, task)
    },
  },
  {
    id: 'TSK-17',
    title: 'a worker stops waiting for a cancelled task that ignores its signal, and its slot goes to other tasks',
    promises: [8, 18],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const gate = createGate()
      const { asker, queue, task } = await stageTask(kit, {
        worker: { concurrency: 1 },
        execute: (input) => (input === 'stuck' ? gate.opened : input),
      })
      const stuck = await asker.enqueue(task, 'stuck', { reply: true })
      const next = await asker.enqueue(task, 'next', { reply: true })
      const cancelling = async (): Promise<void> => {
        await kit.until(
          'the cancelled task to end',
          async () => {
            await stuck.cancel({ onlyRunning: true })
            return stuck.result({ timeoutMs: 200 }).then(
              () => assert.fail('a task that was cancelled has a result'),
              (error: { code?: string }) => error.code === 'MQ_TASK_CANCELLED',
            )
          },
          reply,
        )
      }
      await Promise.all([cancelling(), next.result(reply)])
      gate.open()
      await assertGroupEmpty(kit, queue, task)
    },
  },
  {
    id: 'TSK-18',
    title:
      'a cancelled task that waits, is delayed or is retried does not run again, and its caller gets MQ_TASK_CANCELLED',
    promises: [17, 18],
    level: 'required',
    unless: withoutDelays,
    timeoutMs: 90_000,
    async run(kit) {
      const delayMs = 3_000 * kit.patience
      const { asker, worker, queue, task, runs } = await stageTask(kit, {
        scheduler: { store: kit.store },
        retry: { attempts: 2, delayMs, jitter: 'none' },
        execute: (input) => {
          if (input === 'fails') throw new Error('later')
        },
      })
      await asker.run(task, 'warm', reply)
      const delayed = await asker.enqueue(task, 'delayed', { reply: true, delayMs })
      const failing = await asker.enqueue(task, 'fails', { reply: true })
      await kit.until('the first attempt', () => runs.length === 2, reply)
      const later = await kit.scheduler({ store: kit.store })
      for (const { id } of [delayed, failing]) assert.equal(await later.cancel(id), true)
      await rejection(delayed.result({ timeoutMs: 5_000 }), 'MQ_TASK_CANCELLED')
      await rejection(failing.result({ timeoutMs: 5_000 }), 'MQ_TASK_CANCELLED')
      await worker.run(task, 'other', reply)
      await sleep(delayMs + kit.capabilities.delayResolutionMs)
      await kit.quiet(() => runs.length)
      assert.deepEqual(
        runs.map(({ input }) => input),
        ['warm', 'fails', 'other'],
      )
      await assertGroupEmpty(kit, queue, task)
      assert.deepEqual(await asker.result(delayed.id), { status: 'cancelled', id: delayed.id })
    },
  },
  {
    id: 'TSK-19',
    title:
      'cancel is true once for a task that has not ended, and false for one that has, was cancelled or never existed',
    promises: [18],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const { asker, worker, task } = await stageTask(kit, { scheduler: { store: kit.store }, execute: () => 'done' })
      const handle = await asker.enqueue(task, 1, { reply: true })
      assert.equal(await handle.result(reply), 'done')
      assert.equal(await handle.cancel(), false)
      const outcome = await asker.result(handle.id)
      assert.equal(outcome?.status, 'completed')
      const idle = defineTask({ name: kit.topic('idle'), execute: () => 'never' })
      const { id } = await asker.enqueue(idle, 1)
      const unknown = kit.topic('of-nobody')
      assert.deepEqual(
        [await worker.cancel(id), await asker.cancel(id), await asker.cancel(unknown), await asker.result(unknown)],
        [true, false, false, undefined],
      )
    },
  },
]

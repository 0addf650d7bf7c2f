import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { range, rejection } from '../../kit/expect.js'
import { assertGroupEmpty, reply, stageTask } from '../../kit/task-cases.js'
import { sleep } from '../../kit/wait.js'

export const taskOnce: readonly ConformanceCase[] = [
  {
    id: 'TSK-20',
    title: 'all enqueues with one key share one id, one run and its result; other keys and other tasks are separate',
    promises: [17, 18],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const scheduler = { store: kit.store }
      const { asker, worker, queue, task, runs } = await stageTask(kit, {
        scheduler,
        execute: async (input) => {
          await sleep(100)
          return { input }
        },
      })
      const once = { idempotencyKey: 'user-42', reply: true } as const
      const first = await Promise.all(
        range(10).map((number) => (number % 2 ? asker : worker).enqueue(task, 'same', once)),
      )
      assert.equal(new Set(first.map(({ id }) => id)).size, 1, 'different ids')
      const other = await asker.enqueue(task, 'other', { idempotencyKey: 'user-43', reply: true })
      assert.deepEqual(await other.result(reply), { input: 'other' })
      for (const handle of first) assert.deepEqual(await handle.result(reply), { input: 'same' })
      const again = await asker.enqueue(task, 'same', once)
      assert.equal(again.id, first[0]?.id)
      assert.deepEqual(await again.result(reply), { input: 'same' })
      await kit.quiet(() => runs.length)
      assert.deepEqual(runs.map(({ input }) => input).sort(), ['other', 'same'])
      await assertGroupEmpty(kit, queue, task)
    },
  },
  {
    id: 'TSK-21',
    title: 'a task whose publish failed after its key was claimed is not lost: the next enqueue publishes the same id',
    promises: [18],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const { asker, worker, task, runs } = await stageTask(kit, { scheduler: { store: kit.store } })
      const options = { idempotencyKey: 'k', id: `${kit.topic()}.id` }
      await rejection(asker.enqueue(task, 1, { ...options, signal: AbortSignal.abort() }), 'MQ_PUBLISH_REJECTED')
      const { id } = await worker.enqueue(task, 1, { idempotencyKey: 'k' })
      assert.equal(id, options.id)
      await kit.until('the task to run', () => runs.length > 0, reply)
      await kit.quiet(() => runs.length)
      assert.deepEqual(
        runs.map((run) => run.id),
        [options.id],
      )
    },
  },
  {
    id: 'TSK-22',
    title: 'a failed task with a key is retried like any other, and its key is free again once it expires',
    promises: [5, 18],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const { asker, task, runs } = await stageTask(kit, {
        scheduler: { store: kit.store, resultTtlMs: 100 },
        execute: (_, { attempt }) => {
          if (attempt === 1) throw new Error('once')
          return attempt
        },
      })
      const once = { idempotencyKey: 'k', idempotencyTtlMs: 60_000 } as const
      const { id } = await asker.enqueue(task, 1, once)
      const handle = await asker.enqueue(task, 1, { ...once, reply: true })
      assert.equal(await handle.result(reply), 2)
      assert.equal(handle.id, id)
      kit.store.pass(60_001)
      assert.equal(await asker.run(task, 2, { ...once, ...reply }), 2)
      await kit.quiet(() => runs.length)
      assert.deepEqual(
        runs.map(({ input, attempt }) => ({ input, attempt })),
        [
          { input: 1, attempt: 1 },
          { input: 1, attempt: 2 },
          { input: 2, attempt: 1 },
          { input: 2, attempt: 2 },
        ],
      )
    },
  },
]

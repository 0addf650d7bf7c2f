import assert from 'node:assert/strict'
import type { TaskProgress } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { range } from '../../kit/expect.js'
import { reply, stageTask } from '../../kit/task-cases.js'
import { createGate, sleep } from '../../kit/wait.js'

export const taskProgress: readonly ConformanceCase[] = [
  {
    id: 'TSK-14',
    title: 'progress of a task reaches its caller in order, the last step before the outcome, and ends with the task',
    promises: [17],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const gate = createGate()
      const { asker, task } = await stageTask(kit, {
        retry: { attempts: 1 },
        async execute(fails, { progress }) {
          progress(0.25, 'a quarter')
          await gate.opened
          progress(0.5)
          progress(1, 'all')
          if (fails === 2) throw new Error('after all of it')
          return 'done'
        },
      })
      const handle = await asker.enqueue(task, 1, { reply: true })
      const steps: TaskProgress[] = []
      const reading = (async () => {
        for await (const step of handle.progress()) steps.push(step)
      })()
      await kit.until('the first step', () => steps.length > 0, reply)
      gate.open()
      assert.equal(await handle.result(reply), 'done')
      await reading
      assert.deepEqual(steps[0], { fraction: 0.25, note: 'a quarter', attempt: 1 })
      assert.deepEqual(steps.at(-1), { fraction: 1, note: 'all', attempt: 1 })
      const fractions = steps.map(({ fraction }) => fraction)
      assert.deepEqual(fractions, [...fractions].sort())
      for await (const step of handle.progress()) assert.deepEqual(step, steps.at(-1))
      const failing = await asker.enqueue(task, 2, { reply: true })
      await assert.rejects(failing.result(reply), { code: 'MQ_TASK_FAILED' })
      const ends: TaskProgress[] = []
      for await (const step of failing.progress()) ends.push(step)
      assert.deepEqual(ends, [{ fraction: 1, note: 'all', attempt: 1 }])
    },
  },
  {
    id: 'TSK-32',
    title: 'with a store every process reads the progress of a task by its id, and its last step once it has ended',
    promises: [17],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const gate = createGate()
      const scheduler = { store: kit.store }
      const { asker, task } = await stageTask(kit, {
        scheduler,
        async execute(_, { progress }) {
          progress(0.25, 'a quarter')
          await gate.opened
          progress(0.5)
          progress(1, 'all')
        },
      })
      const reader = await kit.scheduler(scheduler)
      // No caller waits for the reply.
      const { id } = await asker.enqueue(task, 1)
      await kit.until('the first step', async () => (await reader.progress(id)) !== undefined, reply)
      assert.deepEqual(await reader.progress(id), { fraction: 0.25, note: 'a quarter', attempt: 1 })
      gate.open()
      await kit.until('the end of the task', async () => (await reader.result(id)) !== undefined, reply)
      assert.deepEqual(await reader.progress(id), { fraction: 1, note: 'all', attempt: 1 })
      assert.equal(await reader.progress(kit.topic()), undefined, 'an unknown task has progress')
    },
  },
  {
    id: 'TSK-15',
    title: 'neither a flood of progress nor a reader that does not read slows anything down: the latest step wins',
    promises: [12, 17],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const { asker, worker, task } = await stageTask(kit, {
        async execute(_, { progress }) {
          for (const number of range(5_000)) progress(number / 5_000)
          await sleep(250)
          for (const number of range(5_000)) progress(number / 5_000)
          progress(1)
          return 'done'
        },
      })
      const handle = await asker.enqueue(task, 1, { reply: true })
      let steps = 0
      for await (const _ of handle.progress()) steps += 1
      assert.equal(await handle.result(reply), 'done')
      assert.ok(steps >= 1 && steps <= 20, `${steps} steps arrived, not 1 to 20`)
      // The task also runs if there is no reader.
      const unread = await worker.enqueue(task, 1, { reply: true })
      assert.equal(await unread.result(reply), 'done')
      const seen: number[] = []
      for await (const { fraction } of unread.progress()) seen.push(fraction)
      assert.ok(seen.length <= 1, `a finished task has ${seen.length} steps, not one at most`)
    },
  },
]

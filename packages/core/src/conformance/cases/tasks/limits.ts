import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { untilDead } from '../../kit/dead-group.js'
import { range, rejection } from '../../kit/expect.js'
import { assertFailure, groupOf, reply, stageTask } from '../../kit/task-cases.js'
import { withoutDelays } from '../../kit/timing.js'
import { sleep } from '../../kit/wait.js'

export const taskLimits: readonly ConformanceCase[] = [
  {
    id: 'TSK-23',
    title:
      'a task that has not started by its deadline is dead-lettered instead of run, and its caller gets MQ_TASK_FAILED; one in time runs',
    promises: [6, 17, 18],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const { asker, worker, queue, task, runs } = await stageTask(kit, { idle: true, execute: (input) => input })
      const late = await asker.enqueue(task, 'late', { reply: true, expiresAfterMs: 300 })
      const inTime = await asker.enqueue(task, 'in time', { reply: true, deadline: new Date(Date.now() + 60_000) })
      await sleep(400)
      await worker.start()
      const error = await rejection(late.result(reply), 'MQ_TASK_FAILED')
      assertFailure(error, { code: 'MQ_TASK_EXPIRED' })
      assert.equal(await inTime.result(reply), 'in time')
      const [dead] = await untilDead(kit, queue, { ...groupOf(task), count: 1 })
      assert.equal(dead?.failure.error.code, 'MQ_TASK_EXPIRED')
      assert.deepEqual(
        runs.map(({ input }) => input),
        ['in time'],
      )
    },
  },
  {
    id: 'TSK-24',
    title: 'no more runs start in an interval than the rate allows, and all of them run',
    promises: [8],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      // A run is seen shortly after its slot begins, and later on a busy machine.
      const [perMs, lagMs] = [800, 200]
      const { asker, task, runs } = await stageTask(kit, {
        worker: { concurrency: 20, rate: { starts: 5, perMs } },
      })
      await asker.enqueueAll(task, range(16))
      await kit.until('all tasks to run', () => runs.length >= 16, reply)
      const times = runs.map(({ startedAt }) => startedAt)
      for (const index of range(11)) {
        const tookMs = (times[index + 5] ?? Number.NaN) - (times[index] ?? Number.NaN)
        assert.ok(tookMs >= perMs - lagMs, `six runs began within ${tookMs} ms; five may begin in ${perMs} ms`)
      }
    },
  },
  {
    id: 'TSK-25',
    title: 'a task over its timeout sees its signal abort, fails and is retried, even if it ignores the signal',
    promises: [5, 6, 17],
    level: 'required',
    unless: withoutDelays,
    timeoutMs: 60_000,
    async run(kit) {
      const { asker, queue, task, runs } = await stageTask(kit, {
        timeoutMs: 200,
        retry: { attempts: 2, delayMs: 20, jitter: 'none' },
        execute: () => new Promise(() => {}),
      })
      const error = await rejection(asker.run(task, 1, reply), 'MQ_TASK_FAILED')
      assertFailure(error, { code: 'MQ_HANDLER_TIMEOUT', attempts: 2 })
      assert.deepEqual(
        runs.map(({ context }) => context.signal.aborted),
        [true, true],
      )
      const [dead] = await untilDead(kit, queue, { ...groupOf(task), count: 1 })
      assert.equal(dead?.failure.reason, 'timeout')
    },
  },
]

import assert from 'node:assert/strict'
import { defineTask } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { range, rejection } from '../../kit/expect.js'
import { nothingNew } from '../../kit/group-state.js'
import { groupOf, reply, stageTask } from '../../kit/task-cases.js'
import { createGate } from '../../kit/wait.js'

/** Tests that a caller gets an answer, or an error if there is none. */
export const taskReplies: readonly ConformanceCase[] = [
  {
    id: 'TSK-1',
    title: 'the result of each task reaches its own caller, with any JSON value',
    promises: [17],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const { asker, worker, task } = await stageTask(kit, {
        execute: (input) => (input === 'none' ? undefined : input),
      })
      const values = [null, false, 0, '', 'ä€😀', [], { deep: [{ a: null }] }, 'none']
      const others = range(20).map((number) => ({ number }))
      const askedFor = await Promise.all(values.map((value) => asker.enqueue(task, value, { reply: true })))
      const [results, run] = await Promise.all([
        Promise.all(askedFor.map((handle) => handle.result(reply))),
        Promise.all(others.map((value) => worker.run(task, value, reply))),
      ])
      assert.deepEqual(results, [...values.slice(0, -1), undefined])
      assert.deepEqual(run, others)
      assert.equal(new Set(askedFor.map(({ id }) => id)).size, values.length, 'different ids')
    },
  },
  {
    id: 'TSK-2',
    title: 'a caller that waits too long gets an error in time, and can still read the result that arrives later',
    promises: [17],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const gate = createGate()
      const { asker, task } = await stageTask(kit, { execute: () => gate.opened.then(() => 'late') })
      const handle = await asker.enqueue(task, 1, { reply: true })
      const startedAt = performance.now()
      await rejection(handle.result({ timeoutMs: 50 }), 'MQ_TIMEOUT')
      await rejection(
        asker.run(task, 1, { timeoutMs: 1_000 }),
        'MQ_TIMEOUT',
        'MQ_PUBLISH_UNKNOWN',
        'MQ_PUBLISH_REJECTED',
      )
      assert.ok(performance.now() - startedAt < 10_000, 'the two calls did not reject in time')
      gate.open()
      assert.equal(await handle.result(reply), 'late')
      assert.equal(await handle.result(reply), 'late')
    },
  },
  {
    id: 'TSK-3',
    title: 'a waiting caller gets MQ_CLOSED at once if its scheduler is stopped or its queue is disconnected',
    promises: [13, 17],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const [stopped, disconnected] = [await kit.scheduler(), await kit.scheduler({ queue })]
      const task = defineTask({ name: kit.topic(), execute: () => {} })
      const handles = [
        await stopped.enqueue(task, 1, { reply: true }),
        await disconnected.enqueue(task, 1, { reply: true }),
      ]
      const ends = handles.map((handle) => rejection(handle.result(reply), 'MQ_CLOSED'))
      await Promise.all([stopped.stop(), queue.disconnect({ timeoutMs: 0 }), ...ends])
      await rejection(stopped.run(task, 1), 'MQ_CLOSED')
      for (const handle of handles)
        for await (const _ of handle.progress()) assert.fail('there was progress, although the task never ran')
    },
  },
  {
    id: 'TSK-4',
    title: 'a task that is enqueued before it has a worker waits for the first one',
    promises: [2, 17],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const { asker, worker, task, runs } = await stageTask(kit, { idle: true, execute: (input) => input })
      const handle = await asker.enqueue(task, 'first', { reply: true })
      await worker.start()
      assert.equal(await handle.result(reply), 'first')
      assert.equal(runs.length, 1, 'runs')
    },
  },
  {
    id: 'TSK-5',
    title:
      'a result that is not serialisable or too large fails its task at once: the caller gets MQ_TASK_FAILED, and there is no retry',
    promises: [6, 17],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const { maxMessageBytes } = kit.capabilities
      const results: Readonly<Record<string, unknown>> = {
        map: { deep: new Map() },
        large: 'x'.repeat(Math.min(maxMessageBytes, 4 * 2 ** 20)),
      }
      const { asker, queue, task, runs } = await stageTask(kit, { execute: (input) => results[String(input)] })
      const failed = await rejection(asker.run(task, 'map', reply), 'MQ_TASK_FAILED')
      assert.equal(failed.failure?.code, 'MQ_NOT_SERIALIZABLE')
      assert.match(failed.message, /deep/)
      const large = await rejection(asker.run(task, 'large', reply), 'MQ_TASK_FAILED')
      assert.equal(large.failure?.code, 'MQ_MESSAGE_TOO_LARGE')
      const { topic, group } = groupOf(task)
      await kit.until('two dead letters', async () => (await queue.deadLetters(topic, group).list()).length === 2)
      await kit.quiet(() => runs.length)
      assert.equal(runs.length, 2, 'runs')
    },
  },
  {
    id: 'TSK-6',
    title: 'with a store, every process can read how a task ended until that expires',
    promises: [17],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const execute = (input: unknown): unknown => {
        if (input === 'bad') throw new RangeError('out of range')
        return { input }
      }
      const { asker, task } = await stageTask(kit, {
        execute,
        retry: false,
        scheduler: { store: kit.store, resultTtlMs: 60_000 },
      })
      const good = await asker.enqueue(task, 'good')
      const bad = await asker.enqueue(task, 'bad')
      const elsewhere = await kit.scheduler({ store: kit.store })
      const waiting = async (id: string): Promise<boolean> => (await elsewhere.result(id)) !== undefined
      await kit.until('both tasks to end', async () => (await waiting(good.id)) && (await waiting(bad.id)), {
        timeoutMs: 20_000,
      })
      assert.deepEqual(await elsewhere.result(good.id, task), {
        status: 'completed',
        id: good.id,
        task: task.name,
        result: { input: 'good' },
      })
      assert.deepEqual(await elsewhere.result(bad.id), {
        status: 'failed',
        id: bad.id,
        task: task.name,
        failure: { name: 'RangeError', message: 'out of range', attempts: 1 },
      })
      kit.store.pass(60_001)
      assert.deepEqual(await Promise.all([good.id, bad.id].map(waiting)), [false, false])
    },
  },
  {
    id: 'TSK-7',
    title: 'calls that need a store are refused without one, and nothing is published',
    promises: [18],
    level: 'required',
    async run(kit) {
      const { asker, task, runs } = await stageTask(kit)
      await rejection(asker.enqueue(task, 1, { idempotencyKey: 'k' }), 'MQ_STORE_REQUIRED')
      await rejection(asker.cancel('an-id'), 'MQ_STORE_REQUIRED')
      await rejection(asker.result('an-id'), 'MQ_STORE_REQUIRED')
      await kit.quiet(() => runs.length)
      assert.deepEqual(runs, [])
    },
  },
  {
    id: 'TSK-8',
    title: 'with a store, a reply that was lost with the connection is still found',
    promises: [10, 17],
    level: 'optional',
    needs: ['refuse', 'cut', 'heal'],
    alone: true,
    timeoutMs: 120_000,
    async run(kit) {
      const gate = createGate()
      const { asker, worker, queue, task, runs } = await stageTask(kit, {
        execute: () => gate.opened.then(() => 'done'),
        scheduler: { store: kit.store },
      })
      const handle = await asker.enqueue(task, 1, { reply: true })
      await kit.until('the task to run', () => runs.length > 0)
      await kit.faults.refuse()
      await kit.faults.cut()
      gate.open()
      await kit.faults.heal()
      assert.equal(await handle.result({ timeoutMs: 90_000 }), 'done')
      await worker.stop({ timeoutMs: 0 })
      await queue.disconnect({ timeoutMs: 0 })
    },
  },
  {
    id: 'TSK-33',
    title: 'the places where callers wait for replies are gone from the broker once their schedulers have stopped',
    promises: [12, 17],
    level: 'required',
    needs: ['leftovers'],
    alone: true,
    timeoutMs: 120_000,
    async run(kit) {
      const { task } = await stageTask(kit, { execute: (input) => input })
      const ask = async (): Promise<void> => {
        const queue = await kit.queue()
        const asker = await kit.scheduler({ queue })
        assert.equal(await asker.run(task, 1, reply), 1)
        await asker.stop()
        await queue.disconnect()
      }
      // The first caller may create what all of them share.
      await ask()
      const before = await kit.faults.leftovers()
      await Promise.all(range(5).map(ask))
      await nothingNew(kit, before)
    },
  },
]

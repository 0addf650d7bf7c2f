import assert from 'node:assert/strict'
import { defineTask } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { range } from '../../kit/expect.js'
import { onlyNumbers, reply, stageTask } from '../../kit/task-cases.js'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** Tests the way from an event to a task, and from a task to the next. */
export const taskChains: readonly ConformanceCase[] = [
  {
    id: 'TSK-26',
    title: 'messages that a route, a task or a handler publishes name their cause and keep their trace',
    promises: [19],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const scheduler = await kit.scheduler({ queue })
      const [event, done] = [kit.topic('event'), kit.topic('done')]
      const second = defineTask({
        name: kit.topic('second'),
        execute: (_, context) => context.queue.publish(done, context.id),
      })
      const first = defineTask({
        name: kit.topic('first'),
        execute: async () => void (await scheduler.enqueue(second, 1, { id: `${event}/second` })),
      })
      const collector = await kit.collect(queue, done)
      await scheduler.register(first)
      await scheduler.register(second)
      await scheduler.route(event, first, () => 1)
      await scheduler.start()
      await queue.publish(event, 1, { id: event, extensions: { traceparent } })
      await kit.until('the last message', () => collector.handled.length > 0, reply)
      const [last] = collector.handled
      assert.deepEqual(
        { ...last?.message.extensions },
        { causationid: `${event}/second`, correlationid: event, traceparent },
      )
    },
  },
  {
    id: 'TSK-27',
    title: 'a list of inputs is enqueued in order, and a wrong input does not affect the others',
    promises: [1],
    level: 'required',
    timeoutMs: 120_000,
    async run(kit) {
      const { asker, task, runs } = await stageTask(kit, { input: onlyNumbers })
      const inputs: unknown[] = [...range(600), 'text', ...range(5), Number.NaN]
      const outcomes = await asker.enqueueAll(task, inputs, { id: (_, index) => `${kit.topic()}.${index}` })
      const codes = outcomes.map((outcome) =>
        outcome.status === 'stored' ? outcome.id : (outcome.error as { code?: string }).code,
      )
      const wanted = inputs.map((_, index) => `${kit.topic()}.${index}`)
      wanted[600] = 'MQ_INVALID_DATA'
      wanted[606] = 'MQ_NOT_SERIALIZABLE'
      assert.deepEqual(codes, wanted)
      await kit.until('all valid inputs to run', () => runs.length >= 605, { timeoutMs: 90_000 })
    },
  },
  {
    id: 'TSK-28',
    title: 'an event that is delivered twice enqueues one task, and events with one idempotency key share one task',
    promises: [18],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const { worker, queue, task, runs } = await stageTask(kit, { scheduler: { store: kit.store } })
      const event = kit.topic('event')
      await worker.route(event, task, ({ data }) => data, {
        idempotencyKey: ({ data }) => (data as { user: string }).user,
      })
      for (const user of ['ada', 'bob', 'ada']) await queue.publish(event, { user })
      await kit.until('two runs', () => runs.length >= 2, reply)
      await kit.quiet(() => runs.length)
      assert.deepEqual(runs.map(({ input }) => (input as { user: string }).user).sort(), ['ada', 'bob'])
    },
  },
]

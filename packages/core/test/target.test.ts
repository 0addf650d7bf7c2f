import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineTask, type Task } from '../src/index.js'
import { deliver, json } from './support/deliveries.js'
import { mqErrorOf, typeErrorOf } from './support/errors.js'
import type { Behaviour } from './support/fake-adapter.js'
import { connected } from './support/queues.js'
import { scheduled } from './support/tasks.js'

class Resize implements Task<{ readonly width: number }, void> {
  readonly name = 'resize'
  readonly input = z.object({ width: z.coerce.number<number>() })
  execute(): void {}
}
const tasks = [new Resize(), defineTask({ name: 'resize', execute: (_: { width: number }) => {} })]

/** A queue whose adapter writes down which groups it is asked about. */
async function opened() {
  const asked: unknown[] = []
  const behaviour: Behaviour = {
    stats: async (ref) => {
      asked.push(ref)
      return { ready: 1, inFlight: 0, delayed: 0, dead: 0 }
    },
    declareGroup: async ({ topic, group }) => void asked.push({ topic, group }),
    deleteGroup: async (ref) => void asked.push(ref),
  }
  const { adapter, ...opened } = await connected(behaviour, { group: 'shop' })
  const deadLetters = adapter.deadLetters.bind(adapter)
  adapter.deadLetters = (ref) => {
    asked.push(ref)
    return deadLetters(ref)
  }
  return { ...opened, adapter, asked }
}
const workers = { topic: 'task.resize', group: 'workers' }

describe('a task as a target', () => {
  it.each(tasks)('names its own topic and the group of its workers, whichever group the queue has', async (task) => {
    const { queue, asked } = await opened()
    await queue.stats(task)
    await queue.stats(task, 'workers')
    await queue.declareGroup(task)
    await queue.deleteGroup(task)
    await queue.deadLetters(task).list()
    expect(asked).toEqual([workers, workers, workers, workers, workers])
  })

  it('has other groups too, if one is named', async () => {
    const { queue, asked } = await opened()
    await queue.stats(new Resize(), 'on.other')
    expect(asked).toEqual([{ topic: 'task.resize', group: 'on.other' }])
  })

  it.each(tasks)('cannot be published, and the error names it and says what to call', async (task) => {
    const { queue, adapter } = await opened()
    for (const call of [
      () => queue.publish(task as never, { width: 5 }),
      () => queue.publishAll(task as never, [{ width: 5 }] as never),
      () => queue.publishTombstone(task as never, 'key'),
    ]) {
      const { message } = await typeErrorOf(call)
      expect(message).toContain("'resize' is a task")
      expect(message).toContain('scheduler.enqueue')
    }
    expect(adapter.published).toEqual([])
  })

  it('can be looked at in a group of its own, through its schema', async () => {
    const { queue, adapter } = await opened()
    const seen: unknown[] = []
    await queue.subscribe(new Resize(), ({ data }) => void seen.push(data), { group: 'audit' })
    await queue.subscribe(new Resize(), ({ data }) => void seen.push(data), { ephemeral: true })
    expect(adapter.consumers[0]?.ref).toEqual({ topic: 'task.resize', group: 'audit' })
    for (const { handle } of adapter.consumers) {
      expect(await deliver(handle, { message: { body: json({ width: '5' }) } }).settlement).toEqual({ kind: 'done' })
    }
    expect(seen).toEqual([{ width: 5 }, { width: 5 }])
  })

  it('is not taken away from its workers by a subscription that names no group', async () => {
    const { queue, adapter } = await opened()
    for (const options of [undefined, {}, { concurrency: 5 }, { ephemeral: false }]) {
      const { message } = await typeErrorOf(() => queue.subscribe(new Resize(), () => {}, options as never))
      expect(message).toContain("'resize' is a task")
      expect(message).toContain('register')
    }
    expect(adapter.consumers).toEqual([])
  })

  it('has a name that is checked', async () => {
    const { queue } = await opened()
    const bad = { name: 'two words', execute: () => {} }
    await mqErrorOf(() => queue.stats(bad), 'MQ_INVALID_NAME')
    await typeErrorOf(() => queue.stats({ execute: () => {} } as never))
  })

  it('can be the source of a route', async () => {
    const { scheduler, run, sent } = await scheduled()
    const other = defineTask({ name: 'other', execute: (_: number) => {} })
    await scheduler.route(new Resize(), other, ({ data }) => data.width)
    await scheduler.start()
    expect(await run('task.resize', { message: { body: json({ width: '5' }) } })).toEqual({ kind: 'done' })
    expect(sent('task.other')).toMatchObject([{ id: 'm-1/other', body: json(5) }])
  })
})

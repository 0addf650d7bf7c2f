import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../../memory/src/memory-store.js'
import { testClock } from '../../../memory/src/test-clock.js'
import {
  createScheduler,
  defineTask,
  MqError,
  type TaskContext,
  type TaskProgress,
  type TaskStore,
} from '../../src/index.js'
import { mqErrorOf, typeErrorOf } from '../support/errors.js'
import { gate, turns } from '../support/queues.js'
import { scheduled } from '../support/tasks.js'

type Execute = (input: unknown, context: TaskContext) => unknown

/** A worker, and a scheduler of another process that shares its store. */
async function started(execute: Execute, given?: TaskStore) {
  const clock = testClock()
  const store = given ?? memoryStore({ clock })
  const opened = await scheduled({ clock }, {}, { store, resultTtlMs: 60_000 })
  const task = defineTask({ name: 'a', retry: { attempts: 2 }, execute })
  await opened.scheduler.register(task)
  await opened.scheduler.start()
  const deliver = opened.run
  const run = (id: string, attempt = 1) => deliver('task.a', { message: { id }, attempt })
  const other = createScheduler(opened.queue, { store })
  return { ...opened, clock, store, task, deliver, run, read: (id: string) => other.progress(id) }
}

/** A store that has what is required, and nothing else. */
function smallStore(): TaskStore {
  const { claim, put, get } = memoryStore()
  return { claim, put, get }
}

describe('the progress of a task, read by its id', () => {
  it.each([
    ['any store', smallStore],
    ['a store with everything', () => memoryStore()],
  ])('is the latest report while it runs, and the last one after it, with %s', async (_, store) => {
    const [half, all] = [gate(), gate()]
    const opened = await started(async (_, { progress }) => {
      await half.passed
      progress(0.25, 'a quarter')
      progress(0.5, 'half of it')
      await all.passed
      progress(1)
    }, store())
    const { run, read, clock } = opened
    expect(await read('id')).toBeUndefined()
    const running = run('id')
    await turns()
    expect(await read('id')).toBeUndefined()
    half.open()
    await turns()
    expect(await read('id')).toEqual({ fraction: 0.25, note: 'a quarter', attempt: 1 })
    await clock.advance(100)
    await turns()
    expect(await read('id')).toEqual({ fraction: 0.5, note: 'half of it', attempt: 1 })
    all.open()
    expect(await running).toEqual({ kind: 'done' })
    expect(await read('id')).toEqual({ fraction: 1, attempt: 1 })
    expect(await read('another')).toBeUndefined()
  })

  it('is kept for as long as how the task has ended, and while it runs or waits for longer', async () => {
    const { run, read, clock, store, scheduler } = await started((_, { attempt, progress }) => {
      if (attempt === 1) progress(0.5)
      if (attempt === 1) throw new Error('once more')
    })
    expect(await run('id')).toMatchObject({ kind: 'retry' })
    await clock.advance(24 * 60 * 60_000)
    expect(await read('id')).toEqual({ fraction: 0.5, attempt: 1 })
    expect(await run('id', 2)).toEqual({ kind: 'done' })
    expect(await read('id')).toEqual({ fraction: 0.5, attempt: 1 })
    await clock.advance(59_000)
    expect(await read('id')).toEqual({ fraction: 0.5, attempt: 1 })
    await clock.advance(2_000)
    expect(await scheduler.result('id')).toBeUndefined()
    expect(await read('id')).toBeUndefined()
    expect(await store.get('progress/id')).toBeUndefined()
  })

  it.each([
    ['after its last attempt', 2],
    ['by a cancellation', 1],
  ])('is the last report of a task that ends %s, and forgotten with it', async (_, attempt) => {
    const opened = await started(async (_, { progress }) => {
      progress(0.1)
      progress(0.7, 'nearly')
      if (attempt === 2) throw new Error('no')
      await scheduler.cancel('id')
      const body = Buffer.from(JSON.stringify({ cancel: 'id' }))
      await opened.deliver('task-control', { message: { body } })
      await new Promise(() => {})
    })
    const { run, read, clock, scheduler } = opened
    expect(await run('id', attempt)).toMatchObject({ kind: attempt === 2 ? 'dead' : 'done' })
    expect(await read('id')).toEqual({ fraction: 0.7, note: 'nearly', attempt })
    await clock.advance(61_000)
    expect(await read('id')).toBeUndefined()
  })

  it('is that of the latest run, which may be a retry or a replay', async () => {
    const { run, read, clock } = await started((_, { attempt, progress }) => progress(attempt / 10))
    await run('id', 1)
    await run('id', 2)
    expect(await read('id')).toEqual({ fraction: 0.2, attempt: 2 })
    await clock.advance(1_000)
    await run('id', 1)
    expect(await read('id')).toEqual({ fraction: 0.1, attempt: 1 })
  })

  it('is not that of a run that was overtaken, which reports once more', async () => {
    const gates = [gate(), gate()]
    let runs = 0
    const { run, read, clock } = await started(async (_, { progress }) => {
      const own = runs++
      progress(0.1, `run ${own}`)
      await gates[own]?.passed
      progress(0.9, `end of run ${own}`)
    })
    const overtaken = run('id')
    await turns()
    await clock.advance(1_000)
    const owner = run('id')
    await turns()
    expect(await read('id')).toMatchObject({ note: 'run 1' })
    gates[0]?.open()
    await overtaken
    expect(await read('id')).toMatchObject({ note: 'run 1' })
    gates[1]?.open()
    await owner
    expect(await read('id')).toMatchObject({ note: 'end of run 1' })
  })

  it('is that of a new task if an earlier one with the same id has failed', async () => {
    const opened = await started((_, { progress }) => {
      progress(0.5)
      throw new Error('no')
    })
    const { scheduler, read, task } = opened
    const once = { idempotencyKey: 'k', id: 'id' }
    await scheduler.enqueue(task, 1, once)
    const { id = '', extensions = {} } = opened.sent('task.a')[0] ?? {}
    expect(await opened.deliver('task.a', { message: { id, extensions }, attempt: 2 })).toMatchObject({ kind: 'dead' })
    expect(await read('id')).toMatchObject({ fraction: 0.5 })
    expect(await scheduler.enqueue(task, 1, once)).toMatchObject({ duplicate: false })
    expect(await read('id')).toBeUndefined()
  })

  it('is none if something else holds the key', async () => {
    const { read, store } = await started(() => {})
    for (const text of ['', 'null', '{', '5', '{"number":1,"attempt":1,"fraction":7,"begunAt":1}', '[]']) {
      await store.put('progress/id', text, { ttlMs: 1_000 })
      expect(await read('id')).toBeUndefined()
    }
  })

  it('replaces what something else has left under its key', async () => {
    const { run, read, store } = await started((_, { progress }) => progress(0.5))
    await store.put('progress/id', 'nonsense', { ttlMs: 1_000_000 })
    await run('id')
    expect(await read('id')).toEqual({ fraction: 0.5, attempt: 1 } satisfies TaskProgress)
  })

  it('needs a store and an id, and rejects as the store does', async () => {
    const without = await scheduled()
    const error = await mqErrorOf(() => without.scheduler.progress('id'), 'MQ_STORE_REQUIRED')
    expect(error.message).toContain('progress')
    await typeErrorOf(() => without.scheduler.progress(5 as never))
    await mqErrorOf(() => without.scheduler.progress(''), 'MQ_INVALID_OPTION')
    const failing = () => Promise.reject(new MqError('MQ_CONNECTION_LOST', 'no store'))
    const { read } = await started(() => {}, { claim: failing, put: failing, get: failing })
    await mqErrorOf(() => read('id'), 'MQ_CONNECTION_LOST')
  })

  it('does not fail or repeat a task if the store is down, and is logged once', async () => {
    const failing = () => Promise.reject(new MqError('MQ_CONNECTION_LOST', 'no store'))
    const opened = await started(
      async (_, { progress }) => {
        for (let step = 0; step < 5; step++) {
          progress(step / 10)
          await opened.clock.advance(100)
        }
      },
      { claim: failing, put: failing, get: failing },
    )
    expect(await opened.run('id')).toEqual({ kind: 'done' })
    const lines = opened.log.lines.map(({ message }) => message)
    expect(lines.filter((line) => line.includes('progress'))).toEqual([
      'The store did not take the progress of the task id',
    ])
  })
})

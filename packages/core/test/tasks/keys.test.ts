import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../../memory/src/memory-store.js'
import { defineTask, MqError, type TaskStore, Unrecoverable } from '../../src/index.js'
import { mqErrorOf, typeErrorOf } from '../support/errors.js'
import { type Behaviour, storeAll } from '../support/fake-adapter.js'
import { scheduled } from '../support/tasks.js'

async function started(store: TaskStore = memoryStore(), behaviour: Behaviour = {}) {
  const opened = await scheduled(behaviour, {}, { store })
  let isBroken = false
  const task = defineTask({
    name: 'a',
    execute() {
      if (isBroken) throw new Unrecoverable('for good')
      return 'done'
    },
  })
  await opened.scheduler.register(task)
  await opened.scheduler.start()
  return {
    ...opened,
    task,
    enqueue: (key: string, id?: string) =>
      opened.scheduler.enqueue(task, null, { idempotencyKey: key, ...(id !== undefined && { id }) }),
    /** Runs the message of a topic that was sent as the given one, counted from the first. */
    handle: (index: number) => {
      const message = opened.sent('task.a')[index]
      if (message === undefined) throw new Error(`Nobody sent ${index}`)
      return opened.run('task.a', { message })
    },
    breakTask: (is: boolean) => {
      isBroken = is
    },
  }
}

/** A store that has the required members alone. */
function smallStore(): TaskStore {
  const { claim, put, get } = memoryStore()
  return { claim, put, get }
}

describe('an idempotency key', () => {
  it('says that it was held, with the id of the task that holds it, and the message is published all the same', async () => {
    const { enqueue, sent } = await started()
    const first = await enqueue('k')
    expect(first).toMatchObject({ duplicate: false })
    expect(await enqueue('k')).toEqual({ ...first, duplicate: true })
    expect(await enqueue('other')).toMatchObject({ duplicate: false })
    expect(sent('task.a').map(({ id }) => id === first.id)).toEqual([true, true, false])
  })

  it('is held by one of several that enqueue at once, even with one id', async () => {
    const { enqueue } = await started()
    const all = await Promise.all(Array.from({ length: 5 }, () => enqueue('k', 'same')))
    expect(all.map(({ duplicate }) => duplicate).sort()).toEqual([false, true, true, true, true])
  })

  it('is no duplicate without a key, and says so of each task of a list and of a handle', async () => {
    const { scheduler, task } = await started()
    expect(await scheduler.enqueue(task, null, { id: 'x' })).toMatchObject({ duplicate: false })
    expect(await scheduler.enqueue(task, null, { id: 'x' })).toMatchObject({ duplicate: false })
    const listed = await scheduler.enqueueAll(task, [null, null], { idempotencyKey: () => 'k' })
    expect(listed.map((one) => 'duplicate' in one && one.duplicate)).toEqual([false, true])
    const handle = await scheduler.enqueue(task, null, { idempotencyKey: 'k', reply: true })
    expect(handle.duplicate).toBe(true)
    handle.forget()
  })

  it('stays held while its task waits, is retried and has completed', async () => {
    const { enqueue, handle } = await started()
    const { id } = await enqueue('k')
    expect(await handle(0)).toEqual({ kind: 'done' })
    expect(await enqueue('k')).toMatchObject({ id, duplicate: true })
  })

  it('is free once its task has failed for good, and the next task runs', async () => {
    const { enqueue, handle, breakTask, scheduler } = await started()
    breakTask(true)
    const { id } = await enqueue('k')
    expect(await handle(0)).toMatchObject({ kind: 'dead' })
    const again = await enqueue('k')
    expect(again.duplicate).toBe(false)
    expect(again.id).not.toBe(id)
    breakTask(false)
    expect(await handle(1)).toEqual({ kind: 'done' })
    expect(await scheduler.result(again.id)).toMatchObject({ status: 'completed' })
  })

  it('is free even if the next task has the same id', async () => {
    const { enqueue, handle, breakTask, scheduler } = await started()
    breakTask(true)
    await enqueue('k', 'same')
    await handle(0)
    breakTask(false)
    expect(await enqueue('k', 'same')).toMatchObject({ id: 'same', duplicate: false })
    expect(await handle(1)).toEqual({ kind: 'done' })
    expect(await scheduler.result('same')).toMatchObject({ status: 'completed' })
  })

  it('is not taken from a later task by the failure of an earlier one', async () => {
    const { enqueue, handle, breakTask, scheduler, task } = await started()
    breakTask(true)
    await enqueue('k')
    expect(await scheduler.forget(task, 'k')).toBe(true)
    const later = await enqueue('k')
    await handle(0)
    expect(await enqueue('k')).toMatchObject({ id: later.id, duplicate: true })
  })

  it('is free once its task was cancelled', async () => {
    const { enqueue, scheduler } = await started()
    const { id } = await enqueue('k')
    expect(await scheduler.cancel(id)).toBe(true)
    const again = await enqueue('k')
    expect([again.duplicate, again.id === id]).toEqual([false, false])
  })

  it('can be forgotten, for its task alone', async () => {
    const { enqueue, scheduler, task } = await started()
    const other = defineTask({ name: 'other', execute: () => {} })
    await enqueue('k')
    expect(await scheduler.forget(other, 'k')).toBe(false)
    expect(await scheduler.forget(task, 'nonsense')).toBe(false)
    expect(await scheduler.forget(task, 'k')).toBe(true)
    expect(await scheduler.forget(task, 'k')).toBe(false)
    expect(await enqueue('k')).toMatchObject({ duplicate: false })
  })

  it('is forgotten only with a store that can', async () => {
    const without = await scheduled()
    const { scheduler, task } = await started(smallStore())
    await mqErrorOf(() => without.scheduler.forget(task, 'k'), 'MQ_STORE_REQUIRED')
    const error = await mqErrorOf(() => scheduler.forget(task, 'k'), 'MQ_NOT_SUPPORTED')
    expect(error.message).toContain("'delete'")
    await typeErrorOf(() => scheduler.forget('k' as never, 'k'))
    await mqErrorOf(() => scheduler.forget(task, ''), 'MQ_INVALID_OPTION')
  })
})

describe('cancel', () => {
  it('is true once for a task that waits, and false for one that was cancelled, has ended or never existed', async () => {
    const { scheduler, task, handle, breakTask } = await started()
    const ids = ['waits', 'completes', 'fails']
    for (const id of ids) await scheduler.enqueue(task, null, { id })
    await handle(1)
    breakTask(true)
    await handle(2)
    expect(await scheduler.cancel('waits')).toBe(true)
    for (const id of [...ids, 'nonsense']) {
      expect([id, await scheduler.cancel(id), await scheduler.cancel(id, { onlyRunning: true })]).toEqual([
        id,
        false,
        false,
      ])
    }
    const ended = await Promise.all([...ids, 'nonsense'].map((id) => scheduler.result(id)))
    expect(ended.map((one) => one?.status)).toEqual(['cancelled', 'completed', 'failed', undefined])
  })

  it('leaves no mark for an id that never existed, so that it can be enqueued', async () => {
    const { scheduler, task, handle } = await started()
    expect(await scheduler.cancel('later')).toBe(false)
    await scheduler.enqueue(task, null, { id: 'later' })
    expect(await handle(0)).toEqual({ kind: 'done' })
    expect(await scheduler.result('later')).toMatchObject({ status: 'completed' })
  })

  it('knows a task that another program has enqueued, once it has been tried', async () => {
    const { scheduler, task, run } = await started()
    const failing = defineTask({
      name: 'failing',
      execute: () => {
        throw new Error('once')
      },
    })
    await scheduler.register(failing)
    expect(task.name).toBe('a')
    expect(await run('task.failing', { message: { id: 'foreign' } })).toMatchObject({ kind: 'retry' })
    expect(await scheduler.cancel('foreign')).toBe(true)
    expect(await run('task.failing', { attempt: 2, message: { id: 'foreign' } })).toEqual({ kind: 'done' })
  })

  it('does not know a task whose publish was refused', async () => {
    const store = memoryStore()
    const claimed: string[] = []
    const watched: TaskStore = {
      ...store,
      claim(key, value, options) {
        claimed.push(key)
        return store.claim(key, value, options)
      },
    }
    const { scheduler, task } = await started(watched, {
      publish: async (messages) =>
        messages[0]?.type === 'task.a'
          ? [{ status: 'rejected', routed: 'no', error: new MqError('MQ_PUBLISH_REJECTED', 'full') }]
          : storeAll(messages),
    })
    await mqErrorOf(() => scheduler.enqueue(task, null), 'MQ_PUBLISH_REJECTED')
    const [id = ''] = claimed.map((key) => key.replace('outcome/', ''))
    expect(id).not.toBe('')
    expect(await scheduler.cancel(id)).toBe(false)
  })

  it('cancels whatever has the id if the store cannot compare, and still tells a second call', async () => {
    const { scheduler } = await started(smallStore())
    expect([await scheduler.cancel('a'), await scheduler.cancel('a')]).toEqual([true, false])
  })
})

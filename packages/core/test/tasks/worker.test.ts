import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { memoryStore } from '../../../memory/src/memory-store.js'
import {
  type Clock,
  defineTask,
  MqError,
  type TaskContext,
  type TaskProgress,
  type TaskStore,
} from '../../src/index.js'
import { deliver } from '../support/deliveries.js'
import { scheduled } from '../support/tasks.js'

const brokenStore: TaskStore = {
  claim: () => Promise.reject(new MqError('MQ_CONNECTION_LOST', 'no store')),
  put: () => Promise.reject(new MqError('MQ_CONNECTION_LOST', 'no store')),
  get: () => Promise.reject(new MqError('MQ_CONNECTION_LOST', 'no store')),
}

async function started(store: TaskStore | undefined, execute: () => unknown = () => 'done') {
  const opened = await scheduled({}, {}, { ...(store && { store }) })
  const runs: number[] = []
  const task = defineTask({
    name: 'a',
    execute() {
      runs.push(runs.length)
      return execute()
    },
  })
  await opened.scheduler.register(task)
  await opened.scheduler.start()
  const run = (id: string, extensions: Record<string, string> = {}) =>
    opened.run('task.a', { message: { id, extensions } })
  return { ...opened, run, runs }
}

const copy = (name: string): Record<string, string> => ({ taskcopy: name, taskoncems: '60000' })

describe('a worker', () => {
  it('runs one of two messages of the same id, and that one again when it comes again without having ended', async () => {
    let failures = 1
    const { run, runs } = await started(memoryStore(), () => {
      if (failures-- > 0) throw new Error('once')
    })
    expect(await run('id', copy('one'))).toMatchObject({ kind: 'retry' })
    expect(await run('id', copy('two'))).toEqual({ kind: 'done' })
    expect(runs).toHaveLength(1)
    expect(await run('id', copy('one'))).toEqual({ kind: 'done' })
    expect(runs).toHaveLength(2)
    for (const name of ['one', 'two']) expect(await run('id', copy(name))).toEqual({ kind: 'done' })
    expect(runs).toHaveLength(2)
  })

  it('tells who asks for one that has completed what came of it', async () => {
    const { run, runs, sent } = await started(memoryStore())
    await run('id', copy('one'))
    await run('id', { ...copy('two'), taskreplyto: 'somebody' })
    expect(runs).toHaveLength(1)
    const [reply] = sent('task-replies')
    expect(reply?.extensions.taskreplyfor).toBe('somebody')
    expect(JSON.parse(Buffer.from(reply?.body ?? []).toString())).toMatchObject({ status: 'completed', result: 'done' })
  })

  it('without a store does not run what may run only once: it fails, and another worker may have one', async () => {
    const { run, runs } = await started(undefined)
    expect(await run('id', copy('one'))).toMatchObject({
      kind: 'retry',
      failure: { error: { code: 'MQ_STORE_REQUIRED' } },
    })
    expect(runs).toEqual([])
  })

  it('whose store fails runs all but that, completes, and says so', async () => {
    const { run, runs, log } = await started(brokenStore)
    expect(await run('id')).toEqual({ kind: 'done' })
    expect(runs).toHaveLength(1)
    expect(log.lines.map(({ level }) => level)).toEqual(['warn', 'warn'])
    expect(await run('id', copy('one'))).toMatchObject({
      kind: 'retry',
      failure: { error: { code: 'MQ_CONNECTION_LOST' } },
    })
    expect(runs).toHaveLength(1)
  })

  it('logs no password of a store that fails', async () => {
    const failing = () => Promise.reject(new Error('GET redis://:hunter2@cache', { cause: 'password=hunter2' }))
    const { run, log } = await started({ claim: failing, put: failing, get: failing })
    expect(await run('id')).toEqual({ kind: 'done' })
    const shown = inspect(log.lines, { depth: 10 })
    expect(shown).toContain('GET redis://')
    expect(shown).not.toContain('hunter2')
  })

  it('completes a task although nobody can be told', async () => {
    const opened = await scheduled({
      publish: async (messages) => messages.map(() => ({ status: 'rejected', routed: 'no' })),
    })
    const task = defineTask({
      name: 'a',
      execute: (_: unknown, { progress }) => progress(0.5),
      onLastFailure: () => {},
    })
    await opened.scheduler.register(task)
    await opened.scheduler.start()
    const message = { extensions: { taskreplyto: 'somebody' } }
    expect(await opened.run('task.a', { message })).toEqual({ kind: 'done' })
    expect(opened.log.lines.map(({ message: text }) => text)).toEqual([
      'A reply to the caller of a task could not be sent',
      'A reply to the caller of a task could not be sent',
    ])
  })

  it('tells the last step with the outcome, whatever that is, and by itself where both are too large', async () => {
    const maxMessageBytes = 8_192
    const opened = await scheduled({ capabilities: { maxMessageBytes } })
    const endings: Record<string, () => unknown> = {
      small: () => 'done',
      large: () => 'x'.repeat(maxMessageBytes - 1_200),
      failed: () => {
        throw new Error('never again')
      },
    }
    const retry = { attempts: 1 }
    const execute = (how: string, { progress }: TaskContext) => {
      progress(0.5)
      progress(1, 'n'.repeat(1_000))
      return endings[how]?.()
    }
    await opened.scheduler.register(defineTask({ name: 'a', retry, execute }))
    await opened.scheduler.start()
    const repliesTo = async (how: string): Promise<readonly unknown[]> => {
      const before = opened.sent('task-replies').length
      const message = { body: Buffer.from(JSON.stringify(how)), extensions: { taskreplyto: 'somebody' } }
      await opened.run('task.a', { message })
      const replies = opened.sent('task-replies').slice(before)
      return replies.map(({ body }) => {
        const { status, step } = JSON.parse(Buffer.from(body).toString()) as { status: string; step?: TaskProgress }
        return [status, step?.fraction]
      })
    }
    expect(await repliesTo('small')).toEqual([
      ['progress', 0.5],
      ['completed', 1],
    ])
    expect(await repliesTo('large')).toEqual([
      ['progress', 0.5],
      ['progress', 1],
      ['completed', undefined],
    ])
    expect(await repliesTo('failed')).toEqual([
      ['progress', 0.5],
      ['progress', 1],
      ['failed', 1],
    ])
  })

  it('tries again when the event of its task could not be published', async () => {
    const opened = await scheduled({
      publish: async (messages) => messages.map(() => ({ status: 'rejected', routed: 'no' })),
    })
    await opened.scheduler.register(defineTask({ name: 'a', events: ['completed'], execute: () => 1 }))
    await opened.scheduler.start()
    expect(await opened.run('task.a')).toMatchObject({
      kind: 'retry',
      failure: { error: { code: 'MQ_PUBLISH_REJECTED' } },
    })
  })

  it('keeps a result that cannot be stored to itself, and says why there is none', async () => {
    const store = memoryStore()
    const { run, scheduler } = await started(store, () => new Map())
    expect(await run('id')).toEqual({ kind: 'done' })
    expect(await scheduler.result('id')).toMatchObject({ status: 'failed', failure: { code: 'MQ_NOT_SERIALIZABLE' } })
  })

  it('takes attributes that it cannot read for none', async () => {
    const { run, runs } = await started(undefined)
    expect(await run('id', { taskdeadline: 'soon', taskoncems: 'x' })).toEqual({ kind: 'done' })
    expect(runs).toHaveLength(1)
  })

  it('keeps a copy for a day if its attribute names a time that no store can keep', async () => {
    for (const taskoncems of ['1e308', 'Infinity', '-1', '0.5', 'x']) {
      const { run, runs } = await started(memoryStore())
      for (const taskcopy of ['one', 'two']) expect(await run('id', { taskcopy, taskoncems })).toEqual({ kind: 'done' })
      expect(runs).toHaveLength(1)
    }
  })

  it('leaves no timer behind for a stuck task once its message was given up', async () => {
    const timers = new Set<object>()
    const clock: Clock = {
      now: () => Date.now(),
      monotonic: () => performance.now(),
      setTimeout() {
        const timer = { cancel: () => void timers.delete(timer) }
        timers.add(timer)
        return timer
      },
    }
    const { scheduler, adapter } = await scheduled({ clock })
    await scheduler.register(defineTask({ name: 'stuck', timeoutMs: 60_000, execute: () => new Promise(() => {}) }))
    await scheduler.start()
    const before = timers.size
    const [worker] = adapter.consumers.filter(({ ref }) => ref.topic === 'task.stuck')
    if (worker === undefined) throw new Error('Nobody works')
    const { abort } = deliver(worker.handle, {})
    await vi.waitFor(() => expect(timers.size).toBeGreaterThan(before))
    abort(new Error('stopped'))
    await vi.waitFor(() => expect(timers.size).toBe(before))
  })
})

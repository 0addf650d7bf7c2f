import { describe, expect, it, vi } from 'vitest'
import { createScheduler, defineTask, type GroupRef } from '../src/index.js'
import { errorOf, mqErrorOf, typeErrorOf } from './support/errors.js'
import { gate, turns, unconnected } from './support/queues.js'
import { scheduled } from './support/tasks.js'

const task = (name: string, execute: () => unknown = () => {}) => defineTask({ name, execute })

describe('register', () => {
  it('only notes a task before start, and runs its worker from then on', async () => {
    const opened = await scheduled()
    const { scheduler } = opened
    await scheduler.register(task('a'))
    expect(opened.workers).toEqual([])
    await scheduler.start()
    await scheduler.register(task('b'))
    expect(opened.workers.map(({ ref }) => ref)).toEqual([
      { topic: 'task.a', group: 'workers' },
      { topic: 'task.b', group: 'workers' },
    ])
  })

  it('waits for a start that is under way, and starts each worker once', async () => {
    const starting = gate()
    const opened = await scheduled({ consume: () => starting.passed })
    const { scheduler } = opened
    await scheduler.register(task('a'))
    const both = Promise.all([scheduler.start(), scheduler.register(task('b')), scheduler.start()])
    starting.open()
    await both
    expect(opened.workers.map(({ ref }) => ref.topic)).toEqual(['task.a', 'task.b'])
  })

  it('refuses a second task or route of the same name', async () => {
    const opened = await scheduled()
    const { scheduler } = opened
    await scheduler.register(task('a'))
    await mqErrorOf(() => scheduler.register(task('a')), 'MQ_DUPLICATE_TASK')
    await scheduler.route('t', task('a'), () => undefined)
    await scheduler.route('u', task('a'), () => undefined)
    await mqErrorOf(() => scheduler.route('t', task('a'), () => undefined), 'MQ_DUPLICATE_TASK')
    await scheduler.start()
    expect(opened.workers).toHaveLength(3)
  })

  it('may be tried again when the worker could not be started', async () => {
    let failures = 1
    const opened = await scheduled({
      declareGroup: async () => {
        if (failures-- > 0) throw new Error('no permission')
      },
    })
    const { scheduler } = opened
    await scheduler.start()
    expect(await errorOf(() => scheduler.register(task('a')))).toEqual(new Error('no permission'))
    await scheduler.register(task('a'))
    expect(opened.workers).toHaveLength(1)
  })
})

describe('start', () => {
  it('stops the other workers when one cannot start, rejects, and may be called again', async () => {
    let broken = true
    const opened = await scheduled({
      consume: async ({ topic }: GroupRef) => {
        if (broken && topic === 'task.b') throw new Error('no permission')
      },
    })
    const { scheduler } = opened
    for (const name of ['a', 'b', 'c']) await scheduler.register(task(name))
    expect(await errorOf(() => scheduler.start())).toEqual(new Error('no permission'))
    expect(opened.workers.map(({ ref, stops }) => [ref.topic, stops])).toEqual([
      ['task.a', [0]],
      ['task.c', [0]],
    ])
    broken = false
    await scheduler.start()
    expect(opened.workers.slice(2).map(({ ref, stops }) => [ref.topic, stops])).toEqual([
      ['task.a', []],
      ['task.b', []],
      ['task.c', []],
    ])
  })

  it('needs a connected queue', async () => {
    const scheduler = createScheduler(unconnected().queue)
    await scheduler.register(task('a'))
    await mqErrorOf(() => scheduler.start(), 'MQ_NOT_CONNECTED')
    await mqErrorOf(() => scheduler.enqueue(task('a'), 1), 'MQ_NOT_CONNECTED')
  })
})

describe('stop', () => {
  it('stops every worker once with the deadline, and is final', async () => {
    const opened = await scheduled()
    const { scheduler } = opened
    await scheduler.register(task('a'))
    await scheduler.start()
    await Promise.all([scheduler.stop({ timeoutMs: 5 }), scheduler.stop(), scheduler[Symbol.asyncDispose]()])
    expect(opened.workers[0]?.stops).toEqual([5])
    await mqErrorOf(() => scheduler.register(task('b')), 'MQ_CLOSED')
    await mqErrorOf(() => scheduler.route('t', task('b'), () => undefined), 'MQ_CLOSED')
  })

  it('does not start again after it', async () => {
    const opened = await scheduled()
    const { scheduler } = opened
    await scheduler.register(task('a'))
    await scheduler.stop()
    await mqErrorOf(() => scheduler.start(), 'MQ_CLOSED')
    expect(opened.workers).toEqual([])
  })

  it('stops a worker that was still starting', async () => {
    const starting = gate()
    const opened = await scheduled({ consume: () => starting.passed })
    const { scheduler } = opened
    await scheduler.register(task('a'))
    const start = scheduler.start()
    await turns()
    await scheduler.stop()
    starting.open()
    await start
    expect(opened.workers[0]?.stops).toEqual([0])
  })

  it('of the work alone leaves the scheduler able to enqueue and to wait for a reply', async () => {
    const opened = await scheduled()
    const { scheduler } = opened
    await scheduler.register(task('a'))
    await scheduler.start()
    await mqErrorOf(() => scheduler.stopWork({ timeoutMs: -1 }), 'MQ_INVALID_OPTION')
    await scheduler.stopWork({ timeoutMs: 5 })
    expect(opened.workers[0]?.stops).toEqual([5])
    await mqErrorOf(() => scheduler.register(task('b')), 'MQ_CLOSED')
    const handle = await scheduler.enqueue(task('a'), 1, { reply: true })
    const result = mqErrorOf(() => handle.result(), 'MQ_CLOSED')
    await scheduler.stop()
    await result
    expect(opened.workers[0]?.stops).toEqual([5])
  })

  it('refuses a bad deadline without stopping anything: it can be called again', async () => {
    const opened = await scheduled()
    const { scheduler } = opened
    await scheduler.register(task('a'))
    await scheduler.start()
    await mqErrorOf(() => scheduler.stop({ timeoutMs: -1 }), 'MQ_INVALID_OPTION')
    await scheduler.stop({ timeoutMs: 5 })
    expect(opened.workers[0]?.stops).toEqual([5])
  })
})

describe('the events of a scheduler', () => {
  it('tell of each run that has completed or failed', async () => {
    const { scheduler, run } = await scheduled()
    const seen: unknown[] = []
    const mistake = new Error('no')
    scheduler.on('completed', (event) => seen.push(['completed', event]))
    scheduler.on('failed', (event) => seen.push(['failed', event]))
    await scheduler.register(task('good', async () => ({ status: 'success' })))
    await scheduler.register(task('bad', () => Promise.reject(mistake)))
    await scheduler.start()
    await run('task.good')
    await run('task.bad', { attempt: 2 })
    expect(seen).toEqual([
      ['completed', { task: 'good', id: 'm-1', attempt: 1, result: { status: 'success' } }],
      ['failed', { task: 'bad', id: 'm-1', attempt: 2, error: mistake }],
    ])
  })

  it.each([
    ['throws', () => JSON.parse('{')],
    ['rejects', async () => JSON.parse('{')],
  ])('do not change how a run ends when a listener %s', async (_, listener) => {
    const { scheduler, run, log } = await scheduled()
    const last = vi.fn()
    for (const name of ['completed', 'failed'] as const) {
      scheduler.on(name, listener as () => void)
      scheduler.on(name, last)
    }
    await scheduler.register(task('good'))
    await scheduler.register(task('bad', () => Promise.reject(new RangeError('of the task'))))
    await scheduler.start()
    expect(await run('task.good')).toEqual({ kind: 'done' })
    expect(await run('task.bad')).toMatchObject({ kind: 'retry', failure: { error: { message: 'of the task' } } })
    await turns()
    expect(last).toHaveBeenCalledTimes(2)
    const ofListeners = log.lines.filter(({ level }) => level === 'error')
    expect(ofListeners.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^A listener for 'completed' threw: SyntaxError: /),
      expect.stringMatching(/^A listener for 'failed' threw: SyntaxError: /),
    ])
  })

  it('reach no listener that was taken away, and none that does not exist', async () => {
    const { scheduler, run } = await scheduled()
    const listener = vi.fn()
    scheduler.on('completed', listener)()
    await scheduler.register(task('a'))
    await scheduler.start()
    await run('task.a')
    expect(listener).not.toHaveBeenCalled()
    for (const name of ['done', 'constructor']) await typeErrorOf(() => scheduler.on(name as 'completed', () => {}))
    await typeErrorOf(() => scheduler.on('completed', 5 as never))
  })
})

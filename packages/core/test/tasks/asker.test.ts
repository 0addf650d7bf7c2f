import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../../memory/src/memory-store.js'
import { testClock } from '../../../memory/src/test-clock.js'
import { createScheduler, defineTask, type TaskHandle } from '../../src/index.js'
import { deliver } from '../support/deliveries.js'
import { errorOf, mqErrorOf, typeErrorOf } from '../support/errors.js'
import { connected, gate, turns } from '../support/queues.js'

const task = defineTask({ name: 'a', execute: (input: number) => input })

async function asking(
  options: { readonly replyTimeoutMs?: number; readonly store?: ReturnType<typeof memoryStore> } = {},
) {
  const clock = testClock()
  const opened = await connected({ clock })
  const scheduler = createScheduler(opened.queue, options)
  const replies = () => opened.adapter.consumers.filter(({ ref }) => ref.topic === 'task-replies')
  const answer = (value: unknown, forWhom?: string) => {
    const asked = opened.adapter.published.find(({ topic }) => topic === 'task.a')?.messages[0]
    const extensions = { taskreplyfor: forWhom ?? asked?.extensions.taskreplyto ?? '' }
    const body = typeof value === 'string' ? value : JSON.stringify(value)
    const message = { extensions, contentType: 'application/octet-stream', body: Buffer.from(body) }
    return deliver(replies()[0]?.handle as never, { message }).settlement
  }
  return { ...opened, clock, scheduler, replies, answer }
}

const completed = (id: string, result: unknown) => ({ status: 'completed', id, task: 'a', result })
const ask = (opened: { scheduler: ReturnType<typeof createScheduler> }, id = 'x') =>
  opened.scheduler.enqueue(task, 1, { reply: true, id })

describe('an asker', () => {
  it('listens once, before it asks, and only when it asks', async () => {
    const opened = await asking()
    await opened.scheduler.enqueue(task, 1)
    expect(opened.replies()).toEqual([])
    const handles = await Promise.all([ask(opened, 'x'), ask(opened, 'y')])
    expect(handles.map(({ id }) => id)).toEqual(['x', 'y'])
    expect(opened.replies()).toHaveLength(1)
    expect(opened.replies()[0]?.options.ephemeral).toBe(true)
  })

  it('listens again when that failed', async () => {
    let failures = 1
    const { queue } = await connected({
      consume: async () => {
        if (failures-- > 0) throw new Error('no permission')
      },
    })
    const scheduler = createScheduler(queue)
    expect(await errorOf(() => scheduler.run(task, 1))).toEqual(new Error('no permission'))
    expect(await scheduler.enqueue(task, 1, { reply: true })).toHaveProperty('result')
  })

  it('takes the first reply, passes over those of others, and what is none', async () => {
    const opened = await asking()
    const handle = await ask(opened)
    await opened.answer('{', 'another')
    await opened.answer({ id: 'x', status: 'progress', step: 'none' })
    for (const other of [null, 1, {}, { id: 'x' }, { id: 'x', status: 'odd' }, completed('other', 0)])
      await opened.answer(other)
    await opened.answer(completed('x', 'first'))
    await opened.answer(completed('x', 'second'))
    expect(await handle.result()).toBe('first')
    expect(await handle.result({ timeoutMs: 0 })).toBe('first')
  })

  it('hears of the last step with the outcome, though the message of the step is late', async () => {
    const opened = await asking()
    const handle = await ask(opened)
    const step = { number: 2, attempt: 1, fraction: 1 }
    await opened.answer({ ...completed('x', 'done'), step })
    await opened.answer({ id: 'x', status: 'progress', step: { ...step, number: 1, fraction: 0.5 } })
    const fractions: number[] = []
    for await (const { fraction } of handle.progress()) fractions.push(fraction)
    expect(fractions).toEqual([1])
    expect(await handle.result()).toBe('done')
  })

  it('is told in time that no reply comes, and waits for none that it never asked for', async () => {
    const opened = await asking({ replyTimeoutMs: 5_000 })
    const handle = await ask(opened)
    const [soon, late] = [handle.result({ timeoutMs: 100 }), handle.result()].map((result) => errorOf(() => result))
    await opened.clock.advance(100)
    expect(await soon).toMatchObject({ code: 'MQ_TIMEOUT' })
    await opened.clock.advance(5_000)
    expect(await late).toMatchObject({ code: 'MQ_TIMEOUT' })
    await opened.answer(completed('x', 'too late'))
    expect(await errorOf(() => handle.result())).toMatchObject({ code: 'MQ_TIMEOUT' })
  })

  it('finds with a store what was never replied', async () => {
    const opened = await asking({ store: memoryStore() })
    const store = memoryStore({ clock: opened.clock })
    const scheduler = createScheduler(opened.queue, { store })
    const handle = await scheduler.enqueue(task, 1, { reply: true, id: 'x' })
    const result = handle.result()
    await store.put('outcome/x', JSON.stringify(completed('x', 'found')), { ttlMs: 60_000 })
    await opened.clock.advance(1_000)
    expect(await result).toBe('found')
  })

  it('forgets a task that could not be published', async () => {
    let rejects = true
    const opened = await connected({
      publish: async (messages) => messages.map(() => ({ status: rejects ? 'rejected' : 'stored', routed: 'yes' })),
    })
    const scheduler = createScheduler(opened.queue)
    await mqErrorOf(() => ask({ scheduler }), 'MQ_PUBLISH_REJECTED')
    rejects = false
    const handle = await ask({ scheduler })
    await scheduler.stop()
    await mqErrorOf(() => handle.result(), 'MQ_CLOSED')
  })

  it('waits for no more than 10,000 replies', { timeout: 60_000 }, async () => {
    const opened = await asking()
    const handles: TaskHandle[] = []
    for (let index = 0; index < 10_000; index++) handles.push(await ask(opened, `${index}`))
    await mqErrorOf(() => ask(opened, 'one more'), 'MQ_BACKPRESSURE')
    await opened.answer(completed('5', 'done'))
    expect(await handles[5]?.result()).toBe('done')
    await ask(opened, 'one more')
  })

  it('names the task whose reply does not come, and says if its worker was never started', async () => {
    const opened = await asking()
    const messageOf = async (): Promise<string> => {
      const result = errorOf(() => opened.scheduler.run(task, 1, { id: 'x', timeoutMs: 100 }))
      await turns()
      await opened.clock.advance(100)
      return ((await result) as Error).message
    }
    expect(await messageOf()).toMatch(/^No reply of the task 'a' \(x\) within/)
    await opened.scheduler.register(task)
    expect(await messageOf()).toContain('start() was never called')
    await opened.scheduler.start()
    expect(await messageOf()).toMatch(/^No reply of the task 'a' \(x\) within/)
  })

  it('counts no handle whose wait is over, and finds a reply that comes all the same', {
    timeout: 60_000,
  }, async () => {
    const opened = await asking()
    const handles: TaskHandle[] = []
    for (let index = 0; index < 10_000; index++) handles.push(await ask(opened, `${index}`))
    const waits = handles.slice(0, 10).map((handle) => errorOf(() => handle.result({ timeoutMs: 1 })))
    const stillWaiting = handles[7]?.result()
    await opened.clock.advance(1)
    for (const error of await Promise.all(waits)) expect(error).toMatchObject({ code: 'MQ_TIMEOUT' })
    for (let index = 0; index < 9; index++) await ask(opened, `more ${index}`)
    await mqErrorOf(() => ask(opened, 'one more'), 'MQ_BACKPRESSURE')
    const again = handles[3]?.result()
    for (const id of ['3', '7']) await opened.answer(completed(id, id))
    expect([await again, await stillWaiting]).toEqual(['3', '7'])
  })

  it('forgets what nobody wants to know any more', { timeout: 60_000 }, async () => {
    const opened = await asking()
    const handles: TaskHandle[] = []
    for (let index = 0; index < 10_000; index++) handles.push(await ask(opened, `${index}`))
    const [first, second] = handles
    const result = errorOf(() => first?.result())
    const reader = first?.progress()[Symbol.asyncIterator]().next()
    for (const handle of [first, first, second]) handle?.forget()
    expect(await result).toMatchObject({ code: 'MQ_CLOSED' })
    expect(await reader).toMatchObject({ done: true })
    await ask(opened, 'one more')
    await ask(opened, 'two more')
    await mqErrorOf(() => ask(opened, 'three more'), 'MQ_BACKPRESSURE')
    await opened.answer(completed('5', 'done'))
    handles[5]?.forget()
    expect(await handles[5]?.result()).toBe('done')
  })

  it('forgets a task for one of its handles alone', async () => {
    const opened = await asking()
    const [one, two] = [await ask(opened), await ask(opened)]
    one.forget()
    one.forget()
    await opened.answer(completed('x', 'done'))
    expect(await two.result()).toBe('done')
  })

  it('whose listening ends while it begins hears of it', async () => {
    const starting = gate()
    const { queue } = await connected({ consume: () => starting.passed })
    const scheduler = createScheduler(queue)
    const running = errorOf(() => scheduler.run(task, 1))
    await turns()
    await scheduler.stop()
    starting.open()
    expect(await running).toMatchObject({ code: 'MQ_CLOSED' })
  })
})

describe('what cannot be asked for', () => {
  it.each([
    ['a deadline and expiresAfterMs', { expiresAfterMs: 5, deadline: new Date(Date.UTC(2100, 0)) }],
    ['a deadline that is past', { deadline: new Date(0) }],
    ['a deadline before the delay is over', { expiresAfterMs: 500, delayMs: 600 }],
    ['a deadline of no time', { expiresAfterMs: 0 }],
    ['an invalid deadline', { deadline: new Date('x') }],
    ['a time for no key', { idempotencyTtlMs: 5 }],
    ['an empty key', { idempotencyKey: '' }],
    ['a key that is too long', { idempotencyKey: 'k'.repeat(300) }],
    ['a misspelt option', { idempotentKey: 'k' }],
  ])('%s', async (_, options) => {
    const { scheduler, adapter } = await asking({ store: memoryStore() })
    await mqErrorOf(() => scheduler.enqueue(task, 1, options as object), 'MQ_INVALID_OPTION')
    expect(adapter.published).toEqual([])
  })

  it('wrong types', async () => {
    const { scheduler } = await asking({ store: memoryStore() })
    for (const options of [
      { reply: 'yes' },
      { deadline: 5 },
      { expiresAfterMs: '5' },
      { idempotencyKey: 5 },
      5,
      null,
    ]) {
      await typeErrorOf(() => scheduler.enqueue(task, 1, options as never))
    }
    await typeErrorOf(() => scheduler.enqueueAll(task, 5 as never))
    await mqErrorOf(() => scheduler.enqueueAll(task, [], { reply: true } as never), 'MQ_INVALID_OPTION')
    await typeErrorOf(() => scheduler.cancel(5 as never))
    await mqErrorOf(() => scheduler.cancel('', { onlyRunning: true }), 'MQ_INVALID_OPTION')
    await mqErrorOf(() => scheduler.cancel('x', { running: true } as never), 'MQ_INVALID_OPTION')
    await mqErrorOf(() => scheduler.run(task, 1, { timeoutMs: 0 }), 'MQ_INVALID_OPTION')
    const { queue } = await connected()
    await typeErrorOf(() => createScheduler(queue, { store: {} as never }))
    await mqErrorOf(() => createScheduler(queue, { stor: 1 } as never), 'MQ_INVALID_OPTION')
    for (const events of [['done'], ['completed', 5]]) {
      await mqErrorOf(() => defineTask({ name: 'a', events: events as never, execute: () => {} }), 'MQ_INVALID_OPTION')
    }
    for (const name of ['completed', 'failed'])
      await mqErrorOf(() => defineTask({ name, execute: () => {} }), 'MQ_INVALID_NAME')
    await typeErrorOf(() => defineTask({ name: 'a', onLastFailure: 5 as never, execute: () => {} }))
  })
})

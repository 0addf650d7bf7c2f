import { createScheduler, defineTask, type StandardSchema } from '@mq/core'
import { recordRuns, testBench } from '@mq/memory/testing'
import { describe, expect, it, onTestFinished } from 'vitest'

/** Makes a number of a text. */
const width: StandardSchema<{ width: string }, { width: number }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => ({ value: { width: Number((value as { width: string }).width) } }),
  },
}
const resize = defineTask({
  name: 'resize',
  input: width,
  retry: { attempts: 3, delayMs: 60_000, backoff: 'fixed', jitter: 'none' },
  execute: ({ width }, { attempt }) => {
    if (attempt < width) throw new Error(`attempt ${attempt}`)
    return { pixels: width * width }
  },
})
const other = defineTask<string, string>({ name: 'other', execute: (input) => input.toUpperCase() })

async function bench(options?: Parameters<typeof testBench>[0]) {
  const made = await testBench(options)
  onTestFinished(() => made.close())
  return made
}

describe('a test bench', () => {
  it('lists what ran, with which input, in which attempt, and how that ended', async () => {
    const { scheduler, runs, settled, clock } = await bench()
    await scheduler.register(resize)
    await scheduler.register(other)
    await scheduler.start()
    const before = clock.now()
    const { id } = await scheduler.enqueue(resize, { width: '2' }, { headers: { tenant: 'acme' } })
    await scheduler.enqueue(other, 'late', { delayMs: 30_000 })
    await settled()
    const both = { task: 'resize', id, input: { width: 2 }, headers: { tenant: 'acme' } }
    expect(runs(resize)).toEqual([
      { ...both, attempt: 1, at: new Date(before), status: 'failed', error: new Error('attempt 1') },
      { ...both, attempt: 2, at: new Date(before + 60_000), status: 'completed', result: { pixels: 4 } },
    ])
    expect(runs().map(({ task }) => task)).toEqual(['resize', 'other', 'resize'])
  })

  it('lists a run that was cancelled', async () => {
    const { scheduler, runs, settled } = await bench()
    const waiting = defineTask<null, void>({
      name: 'waiting',
      execute: (_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    })
    await scheduler.register(waiting)
    await scheduler.start()
    const { id } = await scheduler.enqueue(waiting, null)
    await new Promise((resolve) => setImmediate(resolve))
    await scheduler.cancel(id)
    await settled()
    expect(runs(waiting)).toMatchObject([{ id, attempt: 1, input: null, status: 'cancelled' }])
  })

  it('begins at the time it is given, and runs the ticks of a day in a moment', async () => {
    const { scheduler, runs, advance, clock } = await bench({ startAt: new Date('2026-03-29T00:00:00Z') })
    await scheduler.register(other)
    await scheduler.schedule('tidy', { cron: '0 */6 * * *', timeZone: 'Europe/Berlin' }, other, 'x')
    await scheduler.start()
    await advance(24 * 3_600_000)
    expect(runs(other).map(({ id }) => id.slice(16, 21))).toEqual(['04:00', '10:00', '16:00', '22:00'])
    expect(clock.now()).toBe(Date.UTC(2026, 2, 30))
  })

  it('settles without waiting for the next tick of a schedule, whichever scheduler has it', async () => {
    const { queue, scheduler, runs, settled, advance, clock } = await bench()
    const own = createScheduler(queue)
    onTestFinished(() => own.stop({ timeoutMs: 0 }))
    for (const each of [scheduler, own]) {
      await each.schedule(each === own ? 'own' : 'hourly', { cron: '0 * * * *' }, resize, { width: '2' })
      await each.start()
    }
    await scheduler.register(resize)
    const before = clock.now()
    await settled()
    expect(clock.now()).toBe(before)
    await advance(3_600_000)
    await settled()
    expect(runs(resize).map(({ attempt }) => attempt)).toEqual([1, 1, 2, 2])
    expect(clock.now()).toBe(before + 3_660_000)
    await queue.publish('schedule.hourly', 'no tick', { delayMs: 1_000 })
    await settled()
    expect(clock.now()).toBe(before + 3_661_000)
  })

  it('waits, when the clock was moved on, for handlers that wait for something real', async () => {
    const slow = defineTask<null, string>({
      name: 'slow',
      execute: () => new Promise((resolve) => setTimeout(() => resolve('done'), 30)),
    })
    const { scheduler, runs, advance } = await bench()
    await scheduler.register(slow)
    await scheduler.start()
    await scheduler.enqueue(slow, null, { delayMs: 1_000 })
    await advance(1_000)
    expect(runs(slow)).toMatchObject([{ result: 'done' }])
  })

  it('settles when a task waits for its timeout, attempt after attempt, by moving the clock', async () => {
    const waiting = defineTask<null, void>({
      name: 'waiting',
      timeoutMs: 60_000,
      retry: { attempts: 2, delayMs: 1_000, jitter: 'none' },
      execute: (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    })
    const { scheduler, runs, settled, clock } = await bench()
    await scheduler.register(waiting)
    await scheduler.start()
    await scheduler.enqueue(waiting, null)
    const before = clock.now()
    await settled()
    expect(runs(waiting)).toMatchObject([
      { attempt: 1, status: 'failed', error: { code: 'MQ_HANDLER_TIMEOUT' } },
      { attempt: 2, status: 'failed', error: { code: 'MQ_HANDLER_TIMEOUT' } },
    ])
    expect(clock.now() - before).toBe(121_000)
  })

  it('does not move the clock to a timeout while a task waits for something real', async () => {
    const slow = defineTask<null, string>({
      name: 'slow',
      timeoutMs: 1_000,
      execute: () => new Promise((resolve) => setTimeout(() => resolve('done'), 100)),
    })
    const { scheduler, runs, settled, clock } = await bench()
    await scheduler.register(slow)
    await scheduler.start()
    await scheduler.enqueue(slow, null)
    const before = clock.now()
    await settled()
    expect(runs(slow)).toMatchObject([{ status: 'completed' }])
    expect(clock.now()).toBe(before)
  })

  it('names what still runs when it cannot settle', async () => {
    const stuck = defineTask<null, void>({ name: 'stuck', execute: () => new Promise(() => {}) })
    const { queue, scheduler, settled, advance, adapter } = await bench()
    await scheduler.register(stuck)
    await scheduler.start()
    await queue.subscribe('orders', () => new Promise(() => {}), { group: 'shop' })
    await scheduler.enqueue(stuck, null, { id: 'task-1' })
    await queue.publish('orders', 1, { id: 'order-1' })
    const text = /Still running: .*the task 'stuck' \(task-1\).*'shop' of 'orders' \(order-1\)/
    for (const wait of [
      () => settled({ timeoutMs: 700 }),
      () => advance(1, { timeoutMs: 30 }),
      () => adapter.idle({ timeoutMs: 30 }),
    ]) {
      await expect(wait()).rejects.toMatchObject({ code: 'MQ_TIMEOUT', message: expect.stringMatching(text) })
    }
  })

  it('rejects after a time of the real clock if something never ends', async () => {
    const stuck = defineTask<null, void>({ name: 'stuck', execute: () => new Promise(() => {}) })
    const { scheduler, settled, advance } = await bench()
    await scheduler.register(stuck)
    await scheduler.start()
    await scheduler.enqueue(stuck, null)
    await expect(settled({ timeoutMs: 30 })).rejects.toMatchObject({ code: 'MQ_TIMEOUT' })
    await expect(advance(1, { timeoutMs: 30 })).rejects.toMatchObject({ code: 'MQ_TIMEOUT' })
  })

  it('records the runs of a scheduler that the application made itself', async () => {
    const { queue, settled } = await bench()
    const scheduler = createScheduler(queue)
    const runs = recordRuns(queue, scheduler)
    await scheduler.register(other)
    await scheduler.start()
    await scheduler.enqueue(other, 'a')
    await settled()
    expect(runs(other)).toMatchObject([{ input: 'a', result: 'A' }])
  })

  it('is closed twice without harm', async () => {
    const made = await testBench()
    await made.close()
    await made[Symbol.asyncDispose]()
    await expect(made.queue.publish('t', 1)).rejects.toMatchObject({ code: 'MQ_CLOSED' })
  })
})

import { type Clock, createQueue, createScheduler, defineTask } from '@mq/core'
import { memory, memoryStore, testClock } from '@mq/memory'
import { describe, expect, it, onTestFinished } from 'vitest'

const hourMs = 3_600_000

/** A clock whose time of day a test can set, as an operator or NTP sets a machine's. Its durations go on. */
function settableClock() {
  const steady = testClock()
  let offsetMs = 0
  const clock: Clock = {
    now: () => steady.now() + offsetMs,
    monotonic: () => steady.monotonic(),
    setTimeout: (callback, delayMs) => steady.setTimeout(callback, delayMs),
  }
  return {
    clock,
    advance: (ms: number) => steady.advance(ms),
    setBy(ms: number) {
      offsetMs += ms
    },
  }
}

async function open() {
  const time = settableClock()
  const queue = createQueue(memory({ clock: time.clock }), { group: 'g', retry: { jitter: 'none' } })
  await queue.connect()
  const store = memoryStore({ clock: time.clock })
  const scheduler = createScheduler(queue, { store })
  onTestFinished(async () => {
    await scheduler.stop({ timeoutMs: 0 })
    await queue.disconnect({ timeoutMs: 0 })
  })
  return { ...time, queue, store, scheduler }
}

/** Returns how many milliseconds pass until `isTrue`, in steps of 50. */
async function timeUntil(advance: (ms: number) => Promise<void>, isTrue: () => boolean): Promise<number> {
  let passedMs = 0
  for (; !isTrue() && passedMs < 10_000; passedMs += 50) await advance(50)
  return passedMs
}

describe.each([
  ['back', -hourMs],
  ['forward', hourMs],
])('a wall clock that is set %s by an hour', (_, setByMs) => {
  it('changes no timeout of a handler', async () => {
    const { queue, setBy, advance } = await open()
    let aborted = false
    const handler = (_message: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise<void>(() =>
        signal.addEventListener('abort', () => {
          aborted = true
        }),
      )
    await queue.subscribe('orders', handler, { timeoutMs: 1_000 })
    await queue.publish('orders', 1)
    await advance(500)
    setBy(setByMs)
    expect(await timeUntil(advance, () => aborted)).toBe(500)
  })

  it('changes no delay and no retry of a broker in this process', async () => {
    const { queue, setBy, advance } = await open()
    const runs: unknown[] = []
    await queue.subscribe('orders', ({ data, attempt }) => {
      runs.push([data, attempt])
      if (data === 'retried' && attempt === 1) throw new Error('once')
    })
    await queue.publish('orders', 'retried')
    await queue.publish('orders', 'delayed', { delayMs: 1_000 })
    await advance(500)
    setBy(setByMs)
    expect(await timeUntil(advance, () => runs.length === 3)).toBe(500)
  })

  it('lets no rate stand still or let more begin', async () => {
    const { scheduler, setBy, advance } = await open()
    let runs = 0
    const task = defineTask({ name: 'count', execute: () => void runs++ })
    await scheduler.register(task, { rate: { starts: 1, perMs: 1_000 }, concurrency: 10 })
    await scheduler.start()
    for (let index = 0; index < 3; index++) await scheduler.enqueue(task, null)
    await advance(500)
    expect(runs).toBe(1)
    setBy(setByMs)
    expect(await timeUntil(advance, () => runs === 2)).toBe(500)
    expect(await timeUntil(advance, () => runs === 3)).toBe(1_000)
  })

  it('changes no wait for a reply', async () => {
    const { scheduler, setBy, advance } = await open()
    const task = defineTask({ name: 'nobody', execute: () => {} })
    const ends: unknown[] = []
    const handle = await scheduler.enqueue(task, null, { reply: true })
    const running = scheduler.run(task, null, { timeoutMs: 1_000 })
    for (const wait of [running, handle.result({ timeoutMs: 1_000 })]) void wait.catch(({ code }) => ends.push(code))
    await advance(500)
    setBy(setByMs)
    expect(await timeUntil(advance, () => ends.length === 2)).toBe(500)
    expect(ends).toEqual(['MQ_TIMEOUT', 'MQ_TIMEOUT'])
  })

  it('neither ends nor prolongs a lease, an entry or a window of a store in this process', async () => {
    const { store, setBy, advance } = await open()
    const taken = { count: 1, limit: 1, windowMs: 1_000, maxWaitMs: 0 }
    await store.put('key', 'value', { ttlMs: 1_000 })
    await store.leases.acquire('lease', { holder: 'a', limit: 1, ttlMs: 1_000 })
    await store.take('counter', taken)
    await advance(500)
    setBy(setByMs)
    expect(await store.get('key')).toBe('value')
    expect(await store.leases.acquire('lease', { holder: 'b', limit: 1, ttlMs: 1_000 })).toMatchObject({
      granted: false,
      retryAfterMs: 500,
    })
    expect(await store.take('counter', taken)).toMatchObject({ granted: false })
    await advance(520)
    expect(await store.get('key')).toBeUndefined()
    expect(await store.leases.acquire('lease', { holder: 'b', limit: 1, ttlMs: 1_000 })).toEqual({ granted: true })
    expect(await store.take('counter', taken)).toMatchObject({ granted: true })
  })
})

describe('ticks and deadlines', () => {
  it('follow the time of day: a clock that is set forward brings the tick within 3 s', async () => {
    const { scheduler, clock, setBy, advance } = await open()
    const at: number[] = []
    const task = defineTask({ name: 'tick', execute: () => void at.push(clock.now()) })
    await scheduler.register(task)
    await scheduler.start()
    await scheduler.schedule('hourly', { everyMs: hourMs }, task, null)
    const [next] = scheduler.schedules()
    setBy((next?.next?.getTime() ?? 0) - clock.now() - 1_000)
    await advance(4_000)
    expect(at).toHaveLength(1)
  })

  it('follow the time of day: a clock that is set back delays the tick', async () => {
    const { scheduler, clock, setBy, advance } = await open()
    const at: number[] = []
    const task = defineTask({ name: 'tick', execute: () => void at.push(clock.now()) })
    await scheduler.register(task)
    await scheduler.start()
    await scheduler.schedule('hourly', { everyMs: hourMs }, task, null)
    const due = scheduler.schedules()[0]?.next?.getTime() ?? 0
    setBy(-hourMs)
    await advance(due - clock.now() - 1_000)
    expect(at).toEqual([])
    await advance(1_500)
    expect(at).toHaveLength(1)
    expect(at[0]).toBeGreaterThanOrEqual(due)
  })

  it('of a task follow the time of day', async () => {
    const { scheduler, setBy, advance } = await open()
    let ran = false
    const task = defineTask({
      name: 'late',
      execute: () => {
        ran = true
      },
    })
    await scheduler.enqueue(task, null, { expiresAfterMs: hourMs / 2 })
    setBy(hourMs)
    await scheduler.register(task)
    await scheduler.start()
    await advance(1_000)
    expect(ran).toBe(false)
  })
})

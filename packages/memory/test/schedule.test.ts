import { randomUUID } from 'node:crypto'
import { createQueue, createScheduler, defineTask, type ScheduleRule, type TaskContext, type TaskStore } from '@mq/core'
import { memory, memoryStore, testClock } from '@mq/memory'
import { isTickAhead } from '@mq/memory/testing'
import { describe, expect, it, onTestFinished } from 'vitest'

const second = 1_000
const day = 24 * 3_600_000

interface Run {
  readonly id: string
  readonly replica: number
  readonly at: string
  readonly headers: TaskContext['headers']
}

/** Replicas of one application on one broker, which ignores no repeated ids unless a test wants it to. */
function application(
  options: { readonly startAt?: string; readonly store?: TaskStore; readonly dedupeMs?: number } = {},
) {
  const clock = testClock({ startAt: new Date(options.startAt ?? '2026-01-01T00:00:00.500Z') })
  const url = `memory://s-${randomUUID()}`
  const runs: Run[] = []

  async function replica(number: number, rule: ScheduleRule, given: { readonly isWorker?: boolean } = {}) {
    const own = memory({ url, clock, dedupeMs: options.dedupeMs ?? 0 })
    const queue = createQueue(own, { retry: { jitter: 'none' } })
    await queue.connect()
    onTestFinished(() => queue.disconnect({ timeoutMs: 0 }))
    const scheduler = createScheduler(queue, { ...(options.store && { store: options.store }) })
    const report = defineTask<{ kind: string }, void>({
      name: 'report',
      execute: (_, { id, headers }) => {
        runs.push({ id, replica: number, at: new Date(clock.now()).toISOString(), headers })
      },
    })
    if (given.isWorker !== false) await scheduler.register(report)
    await scheduler.schedule('daily', rule, report, { kind: 'daily' })
    await scheduler.start()
    return { queue, scheduler, adapter: own }
  }

  return { clock, runs, replica, ids: () => runs.map(({ id }) => id) }
}

const tickIds = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `daily@${new Date(from + index * second).toISOString()}`)

describe('a schedule', () => {
  it('leaves ticks to come out of the figures of its queue, and counts those that nobody takes', async () => {
    const { clock, replica } = application()
    const { queue, scheduler } = await replica(1, { everyMs: day }, { isWorker: false })
    const figures = () => queue.stats('schedule.daily', 'replicas')
    const none = { ready: 0, inFlight: 0, delayed: 0, retrying: 0, dead: 0 }
    expect(await figures()).toMatchObject(none)
    await queue.declareGroup('order.paid', 'shipping')
    await queue.publish('order.paid', 1, { delayMs: second })
    expect(await queue.stats('order.paid', 'shipping')).toMatchObject({ ...none, delayed: 1 })
    await clock.advance(day)
    expect(await queue.stats('task.report', 'workers')).toMatchObject({ ready: 1, delayed: 0 })
    expect(await figures()).toMatchObject(none)
    await scheduler.unschedule('daily')
    expect(await figures()).toMatchObject(none)
    await clock.advance(2 * day)
    expect(await figures()).toMatchObject({ ready: 1, delayed: 0 })
  })

  it('runs each tick once, at its time, however many replicas there are', async () => {
    const { clock, runs, replica, ids } = application()
    const first = clock.now() + 500
    for (const number of [1, 2, 3]) await replica(number, { everyMs: second })
    await clock.advance(10 * second)
    expect(ids()).toEqual(tickIds(first, 10))
    for (const { id, at, headers } of runs) {
      expect(id).toBe(`daily@${at}`)
      expect(headers).toMatchObject({ schedule: 'daily', 'schedule-tick': at })
    }
  })

  it.each([
    ['2026-03-27T00:00:00Z', ['03-27T08', '03-28T08', '03-29T07', '03-30T07']],
    ['2026-10-23T00:00:00Z', ['10-23T07', '10-24T07', '10-25T08', '10-26T08']],
  ])('keeps its local time when the clocks change, from %s', async (startAt, expected) => {
    const { clock, runs, replica } = application({ startAt })
    await replica(1, { cron: '0 9 * * *', timeZone: 'Europe/Berlin' })
    await clock.advance(4 * day)
    expect(runs.map(({ at }) => at.slice(5, 13))).toEqual(expected)
  })

  it('goes on in the others when a replica leaves in order, and when one joins, without a second run', async () => {
    const { clock, replica, ids } = application()
    const first = clock.now() + 500
    const one = await replica(1, { everyMs: second })
    const two = await replica(2, { everyMs: second })
    await clock.advance(3 * second)
    await one.scheduler.stop()
    await clock.advance(3 * second)
    await replica(3, { everyMs: second })
    await two.scheduler.stop()
    await clock.advance(4 * second)
    expect(ids()).toEqual(tickIds(first, 10))
  })

  /** The owner is gone after it has enqueued the task, and before the broker knows that it has. */
  const failingOwner = async (store?: TaskStore) => {
    const { clock, replica, ids } = application(store && { store })
    const first = clock.now() + 500
    const owners: Promise<void>[] = []
    for (const number of [1, 2]) {
      const { queue } = await replica(number, { everyMs: second }, { isWorker: false })
      queue.use({
        publish: async (request, next) => {
          const result = await next(request)
          if (request.topic === 'task.report' && owners.length === 0) {
            owners.push(queue.disconnect({ timeoutMs: 0 }))
            await new Promise(() => {})
          }
          return result
        },
      })
    }
    await replica(3, { everyMs: second })
    await clock.advance(5 * second)
    expect(owners).toHaveLength(1)
    expect([...new Set(ids())].sort()).toEqual(tickIds(first, 5))
    return ids()
  }

  it('runs once more when its owner fails between enqueueing a task and saying so', async () => {
    expect(await failingOwner()).toHaveLength(6)
  })

  it('does not run once more if the workers have a store', async () => {
    expect(await failingOwner(memoryStore())).toHaveLength(5)
  })
})

describe('ticks whose time passed while no replica was up', () => {
  const rule = { cron: '0 9 * * *' }
  const downFrom = async (missed: 'skip' | 'runOnce', downMs: number, changed: ScheduleRule = { ...rule, missed }) => {
    const application_ = application({ startAt: '2026-01-01T10:00:00Z' })
    const { clock, replica, runs } = application_
    const one = await replica(1, { ...rule, missed })
    await one.scheduler.stop()
    await clock.advance(downMs)
    await replica(2, changed)
    await clock.advance(second)
    return { ...application_, runs: [...runs], rerun: async () => clock.advance(day) }
  }

  it('are left out', async () => {
    const { runs, ids, rerun } = await downFrom('skip', 3 * day)
    expect(runs).toEqual([])
    await rerun()
    expect(ids()).toEqual(['daily@2026-01-05T09:00:00.000Z'])
  })

  it('run once in all if the rule says so, without a store', async () => {
    const { runs, ids, rerun } = await downFrom('runOnce', 3 * day)
    expect(runs.map(({ id }) => id)).toEqual(['daily@2026-01-02T09:00:00.000Z'])
    await rerun()
    expect(ids()).toHaveLength(2)
  })

  it('are not missed when a replica comes up shortly after', async () => {
    const { ids } = await downFrom('skip', 23 * 3_600_000 + 3 * second)
    expect(ids()).toEqual(['daily@2026-01-02T09:00:00.000Z'])
  })

  it('are those of the new rule if the rule has just changed, also on a broker that ignores repeated ids', async () => {
    const { clock, replica, ids } = application({ startAt: '2026-01-01T10:00:00Z', dedupeMs: 300_000 })
    const changed: ScheduleRule = { cron: '0 9,10 * * *' }
    for (const each of [rule, changed]) await (await replica(1, each)).scheduler.stop()
    await clock.advance(23 * 3_600_000 + 2 * second)
    await replica(2, changed)
    await clock.advance(second)
    expect(ids()).toEqual(['daily@2026-01-02T09:00:00.000Z'])
  })

  it('do not run when the rule has changed meanwhile', async () => {
    const changed: ScheduleRule = { cron: '0 8 * * *', missed: 'runOnce' }
    const { runs, ids, rerun } = await downFrom('runOnce', 3 * day, changed)
    expect(runs).toEqual([])
    await rerun()
    expect(ids()).toEqual(['daily@2026-01-05T08:00:00.000Z'])
  })
})

describe('settled', () => {
  it('waits for what a tick has asked for, and not for the next tick', async () => {
    const clock = testClock()
    const adapter = memory({ clock })
    const queue = createQueue(adapter)
    await queue.connect()
    onTestFinished(() => queue.disconnect({ timeoutMs: 0 }))
    const scheduler = createScheduler(queue)
    const attempts: number[] = []
    const retry = { attempts: 3, delayMs: 60_000, backoff: 'fixed', jitter: 'none' } as const
    const task = defineTask<null, void>({
      name: 'flaky',
      retry,
      execute: (_, { attempt }) => {
        attempts.push(attempt)
        throw new Error('not yet')
      },
    })
    await scheduler.register(task)
    await scheduler.schedule('hourly', { cron: '0 * * * *' }, task, null)
    await scheduler.start()
    await adapter.settled({ except: isTickAhead })
    expect(attempts).toEqual([])
    await clock.advance(3_600_000)
    await adapter.settled({ except: isTickAhead })
    expect(attempts).toEqual([1, 2, 3])
    expect(clock.now() - Date.UTC(2026, 0, 1)).toBe(3_600_000 + 120_000)
    // Anything else that is delayed is waited for, also on a topic of a schedule.
    await queue.publish('schedule.hourly', 'no tick', { delayMs: 1_000 })
    await adapter.settled({ except: isTickAhead })
    expect(clock.now() - Date.UTC(2026, 0, 1)).toBe(3_600_000 + 121_000)
  })
})

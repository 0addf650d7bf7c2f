import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import type { Settlement } from '../../src/adapter.js'
import {
  type Clock,
  createScheduler,
  defineTask,
  isMqError,
  type ScheduleRule,
  type SchedulerOptions,
  type TaskStore,
} from '../../src/index.js'
import { type Tick, tickData } from '../../src/tasks/schedules/tick-message.js'
import { deliver, json } from '../support/deliveries.js'
import { mqErrorOf, typeErrorOf } from '../support/errors.js'
import { type Behaviour, storeAll } from '../support/fake-adapter.js'
import { connected, turns } from '../support/queues.js'

const start = Date.UTC(2026, 0, 1)
const report = defineTask({ name: 'report', input: z.object({ kind: z.string() }), execute: () => {} })
const everySecond: ScheduleRule = { everyMs: 1_000 }

/** A clock that a test sets; a timer fires when it is asked to. */
function handClock() {
  let now = start
  const timers = new Set<{ readonly due: number; readonly run: () => void }>()
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    setTimeout(run, delayMs) {
      const timer = { due: now + delayMs, run }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
  }
  /** All at once, as after a sleep. */
  const jump = async (ms: number): Promise<void> => {
    now += ms
    for (;;) {
      const due = [...timers].find((timer) => timer.due <= now)
      if (due === undefined) return
      timers.delete(due)
      due.run()
      await turns()
    }
  }
  return { clock, jump, timers }
}

async function replica(rule: ScheduleRule = everySecond, behaviour: Behaviour = {}, options: SchedulerOptions = {}) {
  const { clock, jump, timers } = handClock()
  const opened = await connected({ ...behaviour, clock })
  const { adapter, queue } = opened
  const scheduler = createScheduler(queue, options)
  await scheduler.schedule('daily', rule, report, { kind: 'daily' })
  await scheduler.start()
  const sent = (topic: string) =>
    adapter.published.filter((call) => call.topic === topic).flatMap(({ messages }) => messages)
  const consumer = (isEphemeral: boolean) => {
    const found = adapter.consumers.find(({ options }) => options.ephemeral === isEphemeral)
    if (found === undefined) throw new Error('Nobody consumes the ticks')
    return found
  }
  const tell =
    (isEphemeral: boolean) =>
    (kind: Tick['kind'], time: number, ruleText = 'every 1000 ms') => {
      const body = json(tickData({ kind, time, rule: ruleText }))
      return deliver(consumer(isEphemeral).handle, { message: { body } })
    }
  return {
    ...opened,
    scheduler,
    jump,
    timers,
    consumer,
    /** Hands the group a message. */
    give: tell(false),
    /** Lets the replica hear one. */
    hear: tell(true),
    sentTasks: () => sent('task.report'),
    tasks: () => sent('task.report').map(({ id }) => id),
    ticks: (kind: string) => sent('schedule.daily').filter(({ id }) => id.endsWith(`/${kind}`)),
  }
}

const outcome = async (settlement: Promise<Settlement>): Promise<string> => (await settlement).kind
const second = (count: number): number => start + count * 1_000
const idOf = (count: number): string => `daily@${new Date(second(count)).toISOString()}`

describe('a replica', () => {
  it('publishes every tick at its time, and leaves the next one at the broker ahead of it', async () => {
    const { ticks, jump } = await replica()
    expect(ticks('ahead')).toMatchObject([{ delayMs: 1_000, key: 'daily' }])
    expect(ticks('due')).toEqual([])
    await jump(1_000)
    await jump(1_000)
    expect(ticks('due').map(({ id }) => id.split('/')[0])).toEqual([idOf(1), idOf(2)])
    for (const { delayMs, key } of ticks('due')) expect([delayMs, key]).toEqual([undefined, 'daily'])
  })

  it('enqueues the task for the first copy of a tick alone, then says so and leaves the next one', async () => {
    const { jump, give, tasks, ticks } = await replica()
    await jump(1_000)
    expect(await outcome(give('due', second(1)).settlement)).toBe('done')
    expect(await outcome(give('due', second(1)).settlement)).toBe('done')
    expect(tasks()).toEqual([idOf(1)])
    expect(ticks('ran')).toHaveLength(1)
    expect(ticks('ahead')).toHaveLength(2)
  })

  it('is the cause of the task, and begins a chain of its own', async () => {
    const { jump, give, ticks, sentTasks } = await replica()
    await jump(1_000)
    await give('due', second(1)).settlement
    await jump(1_000)
    expect(sentTasks()).toMatchObject([{ extensions: { causationid: 'm-1', correlationid: 'm-1' } }])
    for (const kind of ['due', 'ahead', 'ran']) {
      expect(ticks(kind).length).toBeGreaterThan(0)
      for (const { extensions } of ticks(kind)) expect(extensions).toEqual({})
    }
  })

  it('passes over what another replica says it has run', async () => {
    const { jump, give, hear, tasks, scheduler } = await replica()
    await jump(1_000)
    await hear('ran', second(1)).settlement
    await give('due', second(1)).settlement
    expect(tasks()).toEqual([])
    expect(scheduler.schedules()[0]?.last).toEqual(new Date(second(1)))
  })

  it('goes on when somebody says that ticks to come have run', async () => {
    const { jump, give, hear, tasks, scheduler } = await replica()
    for (let count = 6; count <= 90; count++) await hear('ran', second(count)).settlement
    await hear('ran', Date.UTC(9_999, 0, 1)).settlement
    expect(scheduler.schedules()[0]?.last).toBeUndefined()
    await jump(6_000)
    await give('due', second(6)).settlement
    expect(tasks()).toEqual([idOf(6)])
    await jump(54_000)
    await give('due', second(60)).settlement
    expect(tasks()).toEqual([idOf(6), idOf(60)])
  })

  it('asks its store about what another replica says it has run', async () => {
    const held = new Map<string, string>()
    const store: TaskStore = {
      async claim(key, value) {
        const found = held.get(key)
        if (found === undefined) held.set(key, value)
        return found ?? value
      },
      put: async () => {},
      get: async (key) => held.get(key),
    }
    const { jump, give, hear, tasks } = await replica(everySecond, {}, { store })
    held.set(`once/report/${idOf(2)}`, idOf(2))
    await jump(2_000)
    for (const count of [1, 2]) await hear('ran', second(count)).settlement
    for (const count of [1, 2]) await give('due', second(count)).settlement
    expect(tasks()).toEqual([idOf(1)])
  })

  it('does not count a tick as run that it could not enqueue', async () => {
    let isBroken = true
    const { jump, give, tasks } = await replica(everySecond, {
      publish: async (messages) => {
        if (isBroken && messages[0]?.type === 'task.report') throw new Error('full')
        return storeAll(messages)
      },
    })
    await jump(1_000)
    expect(await outcome(give('due', second(1)).settlement)).toBe('retry')
    isBroken = false
    await give('due', second(1)).settlement
    expect(tasks()).toEqual([idOf(1), idOf(1)])
  })

  it('turns what was left ahead into a due tick, for the owner to decide, unless it has run or its rule is another', async () => {
    const { jump, give, hear, ticks, tasks } = await replica()
    await jump(1_500)
    const before = ticks('due').length
    await give('ahead', second(1)).settlement
    expect(ticks('due')).toHaveLength(before + 1)
    await give('ahead', second(1), 'every 500 ms').settlement
    await hear('ran', second(1)).settlement
    await give('ahead', second(1)).settlement
    expect(ticks('due')).toHaveLength(before + 1)
    expect(tasks()).toEqual([])
  })

  it('puts back what the broker delivers before its time, up to the longest delay of the broker', async () => {
    const { give } = await replica(everySecond, { capabilities: { maxDelayMs: 3_600_000 } })
    expect(await give('ahead', second(60)).settlement).toMatchObject({ kind: 'retry', delayMs: 60_000 })
    expect(await give('ahead', second(86_400)).settlement).toMatchObject({ kind: 'retry', delayMs: 3_600_000 })
  })

  it('leaves a tick ahead for no longer than the broker can delay', async () => {
    const { ticks } = await replica({ cron: '0 0 1 7 *' }, { capabilities: { maxDelayMs: 3_600_000 } })
    expect(ticks('ahead')).toMatchObject([{ delayMs: 3_600_000 }])
  })

  it('holds the copy of a replica whose clock is ahead until its own says so', async () => {
    const { give, jump, tasks } = await replica()
    const { settlement } = give('due', second(1))
    await turns()
    expect(tasks()).toEqual([])
    await jump(1_000)
    expect(await outcome(settlement)).toBe('done')
    expect(tasks()).toEqual([idOf(1)])
  })

  it('passes over such a copy when the tick has run elsewhere meanwhile', async () => {
    const { give, hear, jump, tasks } = await replica()
    const { settlement } = give('due', second(1))
    await turns()
    await hear('ran', second(1)).settlement
    await jump(1_000)
    expect(await outcome(settlement)).toBe('done')
    expect(tasks()).toEqual([])
  })

  it('puts back a copy from so far ahead that no clock can be the reason', async () => {
    const { give } = await replica()
    expect(await give('due', second(10)).settlement).toMatchObject({ kind: 'retry', delayMs: 10_000 })
    expect(await outcome(give('due', Date.UTC(9_999, 0, 1)).settlement)).toBe('retry')
  })

  it('gives such a copy back when it is no longer its own', async () => {
    const { give, tasks, timers } = await replica()
    const before = timers.size
    const { settlement, abort } = give('due', second(3))
    await turns()
    abort(new Error('stopped'))
    expect(await outcome(settlement)).toBe('release')
    expect(tasks()).toEqual([])
    expect(timers.size).toBe(before)
  })

  /** A broker that takes nothing for a while, and what it has stored. */
  const outage = async () => {
    let isDown = false
    const stored: string[] = []
    const one = await replica(everySecond, {
      publish: async (messages) => {
        if (isDown) throw new Error('down')
        stored.push(...messages.map(({ id }) => id))
        return storeAll(messages)
      },
    })
    return {
      ...one,
      down: (is: boolean) => {
        isDown = is
      },
      due: () => stored.filter((id) => id.endsWith('/due')).map((id) => id.split('/')[0]),
    }
  }

  it('publishes every tick of an outage of the broker once it is back, however long it took', async () => {
    const { jump, down, due, log } = await outage()
    down(true)
    for (let count = 1; count <= 60; count++) await jump(1_000)
    expect(due()).toEqual([])
    down(false)
    await jump(1_000)
    await vi.waitFor(() => expect(due()).toHaveLength(61))
    expect(new Set(due())).toEqual(new Set(Array.from({ length: 61 }, (_, index) => idOf(index + 1))))
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
    await jump(1_000)
    expect(due()).toHaveLength(62)
  })

  it('gives up the oldest of more than a thousand ticks, and says so', async () => {
    const { jump, down, due, log } = await outage()
    down(true)
    for (let count = 1; count <= 1_002; count++) await jump(1_000)
    down(false)
    await jump(1_000)
    await vi.waitFor(() => expect(due()).toHaveLength(1_001))
    expect(due()).not.toContain(idOf(2))
    expect(due()).toContain(idOf(3))
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(2)
  })

  it('runs a tick that a replica had published in time, however late it comes', async () => {
    const { jump, give, tasks } = await replica()
    await jump(3_600_000)
    await give('due', second(1)).settlement
    expect(tasks()).toEqual([idOf(1)])
  })

  it('counts the time for which its process slept as time for which it was down', async () => {
    const { jump, ticks } = await replica({ everyMs: 3_600_000 })
    await jump(10 * 3_600_000)
    const slept = new Date(start + 3_600_000).toISOString()
    expect(ticks('overdue').map(({ id }) => id.split('/')[0])).toEqual([`daily@${slept}`])
    expect(ticks('due')).toHaveLength(1)
  })

  it('turns what was left ahead into an overdue tick when it comes long after its time', async () => {
    const { jump, give, ticks } = await replica({ cron: '0 0 1 2 *' })
    await jump(3_600_000)
    await give('ahead', second(60), '0 0 1 2 * in UTC').settlement
    await give('ahead', start + 3_599_000, '0 0 1 2 * in UTC').settlement
    expect(ticks('overdue')).toHaveLength(1)
    expect(ticks('due')).toHaveLength(1)
  })

  it('leaves an overdue tick out', async () => {
    const { jump, give, tasks } = await replica()
    await jump(60_000)
    expect(await outcome(give('overdue', second(1)).settlement)).toBe('done')
    expect(tasks()).toEqual([])
  })

  it('makes up for one overdue tick where its rule says so, not for those after it, nor for those of another rule', async () => {
    const { jump, give, tasks } = await replica({ everyMs: 1_000, missed: 'runOnce' })
    await jump(60_000)
    await give('overdue', second(1), 'every 500 ms').settlement
    expect(tasks()).toEqual([])
    for (const count of [1, 2, 3]) await give('overdue', second(count)).settlement
    expect(tasks()).toEqual([idOf(1)])
  })

  it('dead-letters what is no tick', async () => {
    const { consumer } = await replica()
    for (const body of [json({}), json('x'), json({ kind: 'due', tick: 'soon', rule: '' }), json(null)]) {
      expect(await outcome(deliver(consumer(false).handle, { message: { body } }).settlement)).toBe('dead')
    }
  })

  it('is the only one that handles a key, one tick after the other', async () => {
    const { consumer } = await replica()
    expect(consumer(false).options).toEqual({ concurrency: 1, ordered: true, ephemeral: false })
    expect(consumer(false).ref).toEqual({ topic: 'schedule.daily', group: 'replicas' })
  })

  it('leaves nothing behind when it stops, or when its queue is disconnected without it', async () => {
    const stopped = await replica()
    await stopped.scheduler.stop()
    expect(stopped.timers.size).toBe(0)
    const left = await replica()
    await left.queue.disconnect()
    expect(left.timers.size).toBe(0)
  })
})

describe('schedules', () => {
  it('are listed with their rule, their task and the times of their ticks', async () => {
    const { scheduler, jump, give } = await replica()
    expect(scheduler.schedules()).toEqual([
      { name: 'daily', rule: everySecond, task: 'report', next: new Date(second(1)), last: undefined },
    ])
    await jump(1_000)
    await give('due', second(1)).settlement
    expect(scheduler.schedules()).toMatchObject([{ next: new Date(second(2)), last: new Date(second(1)) }])
  })

  it('are listed before they start', async () => {
    const { queue } = await connected({ clock: handClock().clock })
    const scheduler = createScheduler(queue)
    await scheduler.schedule('daily', { cron: '0 9 * * *' }, report, { kind: 'daily' })
    expect(scheduler.schedules()).toMatchObject([{ name: 'daily', next: new Date('2026-01-01T09:00:00Z') }])
  })

  it('end in this process with unschedule, and may be made anew', async () => {
    const { scheduler, consumer, timers } = await replica()
    expect(await scheduler.unschedule('daily')).toBe(true)
    expect(timers.size).toBe(0)
    expect([consumer(true).stops, consumer(false).stops].every((stops) => stops.length === 1)).toBe(true)
    expect(scheduler.schedules()).toEqual([])
    expect(await scheduler.unschedule('daily')).toBe(false)
    await scheduler.schedule('daily', { everyMs: 5_000 }, report, { kind: 'daily' })
    expect(scheduler.schedules()).toHaveLength(1)
    expect(timers.size).toBe(1)
  })
})

describe('schedule', () => {
  const scheduler = async (behaviour: Behaviour = {}) => createScheduler((await connected(behaviour)).queue)
  const input = { kind: 'daily' }

  it('refuses at the call what could not run', async () => {
    const one = await scheduler()
    await one.schedule('daily', everySecond, report, input)
    await mqErrorOf(() => one.schedule('daily', everySecond, report, input), 'MQ_DUPLICATE_TASK')
    await mqErrorOf(() => one.schedule('a b', everySecond, report, input), 'MQ_INVALID_NAME')
    await mqErrorOf(() => one.schedule('a'.repeat(91), everySecond, report, input), 'MQ_INVALID_NAME')
    await mqErrorOf(() => one.schedule('a', { cron: '61 * * * *' }, report, input), 'MQ_INVALID_OPTION')
    await mqErrorOf(() => one.schedule('a', everySecond, report, { kind: 1 } as never), 'MQ_INVALID_DATA')
    const untyped = defineTask<unknown, void>({ name: 'untyped', execute: () => {} })
    await mqErrorOf(() => one.schedule('a', everySecond, untyped, { big: 1n }), 'MQ_NOT_SERIALIZABLE')
    await typeErrorOf(() => one.schedule('a', everySecond, {} as never, input))
    expect(one.schedules().map(({ name }) => name)).toEqual(['daily'])
  })

  it('asks for a store where the broker gives a key no owner', async () => {
    const capabilities = { orderedKeys: false }
    const { queue, adapter } = await connected({ capabilities })
    const without = createScheduler(queue)
    const error = await mqErrorOf(() => without.schedule('daily', everySecond, report, input), 'MQ_STORE_REQUIRED')
    expect(error.message).toContain('store')
    const store = { claim: async (_: string, value: string) => value, put: async () => {}, get: async () => undefined }
    const withStore = createScheduler(queue, { store })
    await withStore.schedule('daily', everySecond, report, input)
    await withStore.start()
    expect(adapter.consumers.map(({ options }) => options.ordered)).toEqual([false, false])
    await withStore.stop()
  })

  it('is refused after stop, and leaves nothing noted when it cannot start', async () => {
    const stopped = await scheduler()
    await stopped.stop()
    await mqErrorOf(() => stopped.schedule('daily', everySecond, report, input), 'MQ_CLOSED')
    let isBroken = true
    const one = await scheduler({
      declareGroup: async () => {
        if (isBroken) throw new Error('no permission')
      },
    })
    await one.start()
    const failed = await one.schedule('daily', everySecond, report, input).catch((error: unknown) => error)
    expect(isMqError(failed) || failed instanceof Error).toBe(true)
    expect(one.schedules()).toEqual([])
    isBroken = false
    await one.schedule('daily', everySecond, report, input)
    expect(one.schedules()).toHaveLength(1)
    await one.stop()
  })
})

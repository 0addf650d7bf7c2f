import { createQueue } from '@mq/core'
import { memory, testClock } from '@mq/memory'
import { describe, expect, it } from 'vitest'
import { fail, open } from './support/open.js'

describe('delay', () => {
  it('delivers no earlier than asked, and others meanwhile', async () => {
    const { adapter, queue, clock } = await open()
    await queue.subscribe('orders', () => {})
    await queue.publish('orders', 'late', { delayMs: 3_600_000 })
    await queue.publish('orders', 'later', { at: new Date(clock.now() + 7_200_000) })
    await queue.publish('orders', 'now')
    await adapter.idle()
    expect(adapter.handled().map((run) => run.data)).toEqual(['now'])
    expect((await queue.stats('orders')).delayed).toBe(2)
    await clock.advance(3_599_999)
    expect(adapter.handled()).toHaveLength(1)
    await clock.advance(1)
    expect(adapter.handled().map((run) => run.data)).toEqual(['now', 'late'])
    await adapter.settled()
    expect(adapter.handled().map((run) => run.data)).toEqual(['now', 'late', 'later'])
  })

  it('reaches the groups that exist when the message is due', async () => {
    const { adapter, queue } = await open()
    expect((await queue.publish('orders', 1, { delayMs: 1_000 })).routed).toBe('unknown')
    await queue.subscribe('orders', () => {})
    await adapter.settled()
    expect(adapter.handled()).toHaveLength(1)
  })

  it('delivers delayed messages in the order of their times, by the real clock too', async () => {
    const adapter = memory()
    const queue = createQueue(adapter, { group: 'g' })
    await queue.connect()
    const publishedAt = Date.now()
    const arrivals: [unknown, number][] = []
    await queue.subscribe('orders', ({ data }) => void arrivals.push([data, Date.now() - publishedAt]))
    for (const delayMs of [120, 40, 80]) await queue.publish('orders', delayMs, { delayMs })
    await adapter.settled()
    expect(arrivals.map(([delayMs]) => delayMs)).toEqual([40, 80, 120])
    for (const [delayMs, tookMs] of arrivals) expect(tookMs).toBeGreaterThanOrEqual(delayMs as number)
    await queue.disconnect()
  })
})

describe('settled', () => {
  it('runs an hour of retries in no time', async () => {
    const { adapter, queue, clock } = await open()
    const before = clock.now()
    await queue.subscribe('orders', fail, {
      retry: { attempts: 7, backoff: 'fixed', delayMs: 600_000, maxDelayMs: 600_000 },
    })
    await queue.publish('orders', 1)
    await adapter.settled()
    expect(clock.now() - before).toBe(3_600_000)
  })

  it('waits for handlers that wait for something real', async () => {
    const { adapter, queue } = await open()
    let finished = false
    await queue.subscribe('orders', async () => {
      await new Promise((resolve) => setTimeout(resolve, 30))
      finished = true
    })
    await queue.publish('orders', 1)
    await adapter.settled()
    expect(finished).toBe(true)
  })

  it('does not wait for a group without consumers', async () => {
    const { adapter, queue } = await open()
    await queue.declareGroup('orders', 'nobody')
    await queue.publish('orders', 1)
    await adapter.settled({ timeoutMs: 1_000 })
    expect((await queue.stats('orders', 'nobody')).ready).toBe(1)
  })

  it('rejects when a handler never ends', async () => {
    const { adapter, queue } = await open()
    await queue.subscribe('orders', () => new Promise(() => {}))
    await queue.publish('orders', 1)
    await expect(adapter.settled({ timeoutMs: 30 })).rejects.toMatchObject({ code: 'MQ_TIMEOUT' })
  })
})

describe('the test clock', () => {
  it('fires timers in the order of their times, each at its own', async () => {
    const clock = testClock({ startAt: new Date(0) })
    const fired: [string, number][] = []
    clock.setTimeout(() => fired.push(['b', clock.now()]), 20)
    clock.setTimeout(() => {
      fired.push(['a', clock.now()])
      clock.setTimeout(() => fired.push(['c', clock.now()]), 15)
    }, 10)
    clock.setTimeout(() => fired.push(['never', clock.now()]), 5).cancel()
    await clock.advance(24)
    expect(fired).toEqual([
      ['a', 10],
      ['b', 20],
    ])
    await clock.advance(1)
    expect(fired.at(-1)).toEqual(['c', 25])
    expect(clock.now()).toBe(25)
  })

  it('has a monotonic time that moves with it, from another point', async () => {
    const clock = testClock({ startAt: new Date(1_000_000) })
    const startedAt = clock.monotonic()
    expect(startedAt).not.toBe(clock.now())
    clock.setTimeout(() => expect(clock.monotonic() - startedAt).toBe(250), 250)
    await clock.advance(1_000)
    expect(clock.monotonic() - startedAt).toBe(1_000)
  })

  it('does not go backwards', async () => {
    await expect(testClock().advance(-1)).rejects.toThrow(RangeError)
  })
})

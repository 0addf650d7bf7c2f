import { createQueue } from '@mq/core'
import { memory } from '@mq/memory'
import { describe, expect, it } from 'vitest'
import { gate, open } from './support/open.js'

describe('concurrency', () => {
  it('runs exactly as many handlers at once as allowed', async () => {
    const { adapter, queue } = await open()
    let running = 0
    let peak = 0
    await queue.subscribe(
      'orders',
      async () => {
        running += 1
        peak = Math.max(peak, running)
        await new Promise((resolve) => setImmediate(resolve))
        running -= 1
      },
      { concurrency: 4 },
    )
    await queue.publishAll('orders', [...Array(100).keys()])
    await adapter.settled()
    expect(peak).toBe(4)
  })

  it('does not let a stuck handler hold up the others', async () => {
    const { adapter, queue } = await open()
    const stuck = gate()
    await queue.subscribe('orders', ({ data }) => (data === 0 ? stuck.opened : undefined), { concurrency: 2 })
    await queue.publishAll('orders', [...Array(20).keys()])
    await expect.poll(() => adapter.handled().length).toBe(19)
    stuck.open()
    await adapter.settled()
    expect(adapter.handled()).toHaveLength(20)
  })
})

describe('order', () => {
  it('handles the messages of a key one after the other, other keys meanwhile', async () => {
    const { adapter, queue } = await open()
    const running = new Map<string | undefined, number>()
    const seen = new Map<string | undefined, unknown[]>()
    let peak = 0
    for (let member = 0; member < 3; member++) {
      await queue.subscribe(
        'orders',
        async ({ key, data }) => {
          running.set(key, (running.get(key) ?? 0) + 1)
          expect(running.get(key)).toBe(1)
          peak = Math.max(
            peak,
            [...running.values()].reduce((sum, count) => sum + count, 0),
          )
          for (let turn = 0; turn < Number(data) % 3; turn++) await new Promise((resolve) => setImmediate(resolve))
          running.set(key, 0)
          seen.set(key, [...(seen.get(key) ?? []), data])
        },
        { ordered: true, concurrency: 4 },
      )
    }
    for (let number = 0; number < 500; number++) await queue.publish('orders', number, { key: `k${number % 7}` })
    await adapter.settled()
    expect(peak).toBeGreaterThan(3)
    for (const numbers of seen.values()) expect(numbers).toEqual([...numbers].sort((a, b) => Number(a) - Number(b)))
    expect([...seen.values()].flat()).toHaveLength(500)
  })

  it('keeps the order of a key when a consumer stops and gives its message back', async () => {
    const { adapter, queue } = await open()
    const stuck = gate()
    const seen: unknown[] = []
    const first = await queue.subscribe('orders', () => stuck.opened, { ordered: true, concurrency: 5 })
    await queue.publishAll('orders', [1, 2, 3, 4], { key: 'k' })
    await adapter.idle({ timeoutMs: 20 }).catch(() => {})
    await queue.subscribe('orders', ({ data }) => void seen.push(data), { ordered: true, concurrency: 5 })
    await first.stop({ timeoutMs: 0 })
    await adapter.settled()
    expect(seen).toEqual([1, 2, 3, 4])
  })
})

describe('stopping', () => {
  it('lets running handlers finish and starts no other', async () => {
    const { adapter, queue } = await open()
    const held = gate()
    const subscription = await queue.subscribe('orders', () => held.opened, { concurrency: 1 })
    await queue.publishAll('orders', ['running', 'waiting'])
    await expect.poll(async () => (await queue.stats('orders')).inFlight).toBe(1)
    const stopped = subscription.stop()
    held.open()
    await stopped
    await subscription.stop()
    expect(adapter.handled()).toMatchObject([{ data: 'running', settlement: 'done' }])
    expect(await queue.stats('orders')).toMatchObject({ ready: 1, inFlight: 0 })
  })

  it('aborts at the deadline what does not finish, and gives it to another consumer with the same attempt', async () => {
    const { adapter, queue } = await open()
    const aborted = gate()
    const stuck = await queue.subscribe('orders', (_, { signal }) => {
      signal.addEventListener('abort', aborted.open)
      return new Promise(() => {})
    })
    await queue.publish('orders', 1)
    await expect.poll(async () => (await queue.stats('orders')).inFlight).toBe(1)
    await stuck.stop({ timeoutMs: 10 })
    await aborted.opened
    await queue.subscribe('orders', () => {})
    await adapter.settled()
    expect(adapter.handled().map(({ settlement, attempt }) => [settlement, attempt])).toEqual([
      ['release', 1],
      ['done', 1],
    ])
  })

  it('lets handlers publish until they have ended, and refuses a publish after that', async () => {
    const { queue } = await open()
    const held = gate()
    const results: unknown[] = []
    await queue.declareGroup('mails', 'g')
    await queue.subscribe('orders', async (_, context) => {
      await held.opened
      results.push(await context.queue.publish('mails', 1))
    })
    await queue.publish('orders', 1)
    await expect.poll(async () => (await queue.stats('orders')).inFlight).toBe(1)
    const disconnected = queue.disconnect()
    held.open()
    await disconnected
    expect(results).toMatchObject([{ routed: 'yes' }])
    await expect(queue.publish('mails', 2)).rejects.toMatchObject({ code: 'MQ_CLOSED' })
    await queue.disconnect()
    expect(queue.health()).toMatchObject({ status: 'down', state: 'disconnected', consumers: [] })
  })

  it('leaves no timer that would keep the process alive', async () => {
    const timersBefore = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const queue = createQueue(memory(), { group: 'g' })
    await queue.connect()
    await queue.subscribe('orders', () => {})
    await queue.publish('orders', 1, { delayMs: 3_600_000 })
    await queue.disconnect()
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBeLessThanOrEqual(
      timersBefore,
    )
  })
})

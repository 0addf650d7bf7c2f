import { createQueue, type MqError } from '@mq/core'
import { memory } from '@mq/memory'
import { describe, expect, it } from 'vitest'
import { gate, open } from './support/open.js'

describe('delivery', () => {
  it('delivers every message once to every group', async () => {
    const { adapter, queue } = await open()
    await queue.subscribe('orders', () => {}, { group: 'billing' })
    await queue.subscribe('orders', () => {}, { group: 'mailing' })
    for (let number = 0; number < 200; number++) await queue.publish('orders', { number })
    await adapter.settled()
    for (const group of ['billing', 'mailing']) {
      const numbers = adapter.handled({ group }).map((run) => (run.data as { number: number }).number)
      expect(numbers).toEqual(Array.from({ length: 200 }, (_, number) => number))
    }
  })

  it('shares the messages of a group among its consumers', async () => {
    const { adapter, queue } = await open()
    const counts = [0, 0, 0]
    for (const member of counts.keys()) {
      const count = (): void => {
        counts[member] = (counts[member] ?? 0) + 1
      }
      await queue.subscribe('orders', count, { concurrency: 1 })
    }
    await queue.publishAll('orders', [...Array(300).keys()])
    await adapter.settled()
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(300)
    for (const count of counts) expect(count).toBeGreaterThan(0)
  })

  it('keeps messages for a declared group that has no consumer', async () => {
    const { adapter, queue } = await open()
    await queue.declareGroup('orders', 'late')
    expect(await queue.publish('orders', 1, { id: 'one' })).toEqual({ id: 'one', routed: 'yes' })
    expect(await queue.stats('orders', 'late')).toMatchObject({
      ready: 1,
      inFlight: 0,
      delayed: 0,
      retrying: 0,
      dead: 0,
    })
    await queue.subscribe('orders', () => {}, { group: 'late' })
    await adapter.settled()
    expect(adapter.handled({ group: 'late' })).toMatchObject([{ id: 'one', data: 1, settlement: 'done' }])
  })

  it('says that no group was there, and gives the message to one that starts with the earliest', async () => {
    const { adapter, queue } = await open()
    expect((await queue.publish('orders', 'early')).routed).toBe('no')
    await queue.subscribe('orders', () => {}, { group: 'latest' })
    await queue.subscribe('orders', () => {}, { group: 'earliest', startFrom: 'earliest' })
    await adapter.settled()
    expect(adapter.handled({ group: 'latest' })).toEqual([])
    expect(adapter.handled({ group: 'earliest' })).toMatchObject([{ data: 'early' }])
  })

  it('ignores a second publish with the same id within the window, and stores it after that', async () => {
    const { adapter, queue, clock } = await open({ memory: { dedupeMs: 1_000 } })
    await queue.declareGroup('orders', 'g')
    await queue.publish('orders', 1, { id: 'same' })
    await queue.publish('orders', 2, { id: 'same' })
    expect((await queue.stats('orders')).ready).toBe(1)
    await clock.advance(1_000)
    await queue.publish('orders', 3, { id: 'same' })
    await queue.subscribe('orders', () => {})
    await adapter.settled()
    expect(adapter.handled().map((run) => run.data)).toEqual([1, 3])
  })

  it('hands every run bytes of its own', async () => {
    const { adapter, queue } = await open()
    const seen: number[] = []
    const spoil = ({ data }: { data: unknown }): void => {
      const bytes = data as Uint8Array
      seen.push(bytes[0] ?? -1)
      bytes.fill(9)
      if (seen.length === 1) throw new Error('again')
    }
    await queue.subscribe('bytes', spoil, { group: 'a' })
    await queue.subscribe('bytes', spoil, { group: 'b' })
    const published = new Uint8Array([7, 7])
    const publishing = queue.publish('bytes', published)
    published.fill(8)
    await publishing
    await adapter.settled()
    expect(seen).toEqual([7, 7, 7])
  })

  it('shares a named broker between queues, and keeps unnamed ones apart', async () => {
    const queues = ['memory://shop', 'memory://shop', 'memory:'].map((url) =>
      createQueue(memory({ url }), { group: 'g' }),
    )
    await Promise.all(queues.map((queue) => queue.connect()))
    const [producer, consumer, stranger] = queues
    const arrived = gate()
    await stranger?.subscribe('orders', () => expect.unreachable())
    await consumer?.subscribe('orders', arrived.open)
    await producer?.publish('orders', 1)
    await arrived.opened
    await Promise.all(queues.map((queue) => queue.disconnect()))
  })

  it('gives an ephemeral subscription what comes from now on, without retries, and forgets it when it stops', async () => {
    const { adapter, queue } = await open()
    const errors: MqError[] = []
    queue.on('error', ({ error }) => errors.push(error))
    await queue.publish('news', 'before')
    const handle = ({ data }: { data: unknown }): void => {
      if (data === 'bad') throw new Error('no')
    }
    const subscription = await queue.subscribe('news', handle, { ephemeral: true })
    await queue.publishAll('news', ['bad', 'good'])
    await adapter.settled()
    expect(adapter.handled().map(({ data, attempt }) => [data, attempt])).toEqual([
      ['bad', 1],
      ['good', 1],
    ])
    expect(errors.map((error) => error.message)).toEqual(["An ephemeral handler of 'news' failed: no"])
    await subscription.stop()
    expect((await queue.publish('news', 'after')).routed).toBe('no')
  })

  it('forgets an ephemeral consumer whose adapter was disconnected', async () => {
    const [staying, leaving] = [memory({ url: 'memory://news' }), memory({ url: 'memory://news' })]
    const queue = createQueue(staying)
    await Promise.all([queue.connect(), leaving.connect()])
    const ref = { topic: 'news', group: 'ephemeral.1' }
    await leaving.consume(ref, { concurrency: 1, ordered: false, ephemeral: true }, async () => ({ kind: 'done' }))
    expect((await queue.publish('news', 1)).routed).toBe('yes')
    await leaving.disconnect({ timeoutMs: 0 })
    expect((await queue.publish('news', 2)).routed).toBe('no')
    await queue.disconnect()
  })

  it('lets a slow ephemeral subscription lose its oldest messages, and says so', async () => {
    const { queue, adapter } = await open()
    const slow = gate()
    let lost = 0
    queue.on('data-loss', ({ count = 0 }) => {
      lost += count
    })
    await queue.subscribe('news', () => slow.opened, { ephemeral: true, concurrency: 1 })
    for (let number = 0; number < 10_011; number++) await queue.publish('news', number)
    slow.open()
    await adapter.settled()
    expect(lost).toBeGreaterThanOrEqual(10)
    expect(lost).toBeLessThanOrEqual(11)
  })

  it('refuses publishes when it is full, and takes them again when there is room', async () => {
    const { adapter, queue } = await open({ memory: { maxMessages: 2 } })
    await queue.declareGroup('orders', 'g')
    await queue.publishAll('orders', [1, 2])
    await expect(queue.publish('orders', 3)).rejects.toMatchObject({ code: 'MQ_PUBLISH_REJECTED' })
    await queue.subscribe('orders', () => {})
    await adapter.settled()
    await queue.publish('orders', 4)
    await adapter.settled()
    expect(adapter.handled().map((run) => run.data)).toEqual([1, 2, 4])
  })

  it('gives other work its turn while a backlog is handled', async () => {
    const { adapter, queue } = await open()
    await queue.declareGroup('orders', 'g')
    for (let number = 0; number < 2_000; number++) await queue.publish('orders', number)
    let handledWhenTheTimerFired = -1
    let handled = 0
    await queue.subscribe('orders', () => void handled++)
    setImmediate(() => {
      handledWhenTheTimerFired = handled
    })
    await adapter.settled()
    expect(handled).toBe(2_000)
    expect(handledWhenTheTimerFired).toBeLessThan(1_000)
  })
})

describe('options', () => {
  it.each([
    [{ url: 'memory:shop?x=1' }, 'MQ_INVALID_URL'],
    [{ url: 'memory://user:secret@shop' }, 'MQ_INVALID_URL'],
    [{ maxMessages: 0 }, 'MQ_INVALID_OPTION'],
    [{ retain: 1.5 }, 'MQ_INVALID_OPTION'],
    [{ colour: 'red' }, 'MQ_INVALID_OPTION'],
  ])('refuses %j', (options, code) => {
    expect(() => memory(options as object)).toThrow(expect.objectContaining({ code }))
  })

  it('never shows a password that a URL holds', () => {
    try {
      memory({ url: 'memory://user:secret@shop' })
      expect.unreachable()
    } catch (error) {
      expect((error as MqError).message).not.toContain('secret')
    }
  })

  it('pins its capabilities', () => {
    expect(memory().capabilities).toEqual({
      durable: false,
      embedded: true,
      retainsUnrouted: true,
      startFromEarliest: true,
      orderedKeys: true,
      countsCrashes: false,
      exactAttempts: true,
      delayResolutionMs: 50,
      maxDelayMs: 365 * 24 * 60 * 60 * 1000,
      maxHandlerMs: Number.POSITIVE_INFINITY,
      maxMessageBytes: 900 * 1024,
      publishDedupeMs: 300_000,
      redeliveryMs: 100,
      listsTopics: true,
      listsGroups: true,
      listsWaiting: true,
      listsInFlight: true,
      removesWaiting: true,
      runsNow: true,
      pausesGroups: true,
      joinsTransactions: false,
    })
  })
})

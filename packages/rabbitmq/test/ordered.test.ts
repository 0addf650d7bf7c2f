import { brokers, proxy, type RabbitServer, shared } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { eventually, freshTopic, open, pause } from './support/open.js'

describe.skipIf(!brokers.wanted('rabbitmq'))('ordered', () => {
  let server: RabbitServer
  beforeAll(async () => {
    server = await shared('rabbitmq')
  })

  /** Creates handlers that take a moment, and record which messages ran at the same time. */
  function recorder() {
    const seen = new Map<string, number[]>()
    const running = new Set<string>()
    const overlaps: string[] = []
    let maxRunning = 0
    return {
      seen,
      overlaps,
      maxRunning: () => maxRunning,
      count: () => [...seen.values()].reduce((sum, list) => sum + new Set(list).size, 0),
      async handle({ key = '', data }: { key?: string | undefined; data: unknown }): Promise<void> {
        if (running.has(key)) overlaps.push(key)
        running.add(key)
        maxRunning = Math.max(maxRunning, running.size)
        seen.set(key, [...(seen.get(key) ?? []), data as number])
        await pause(Math.random() * 4)
        running.delete(key)
      },
    }
  }

  /** Returns each number at its first place. */
  const firstTimes = (numbers: readonly number[] = []): number[] => [...new Set(numbers)]

  it('handles the messages of a key one after the other, and other keys meanwhile', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const record = recorder()
    await queue.subscribe(topic, record.handle, { ordered: true, concurrency: 8 })
    const keys = ['a', 'b', 'c', 'd', 'e']
    const publishes: Promise<unknown>[] = []
    for (let number = 0; number < 60; number++)
      for (const key of keys) publishes.push(queue.publish(topic, number, { key }))
    await Promise.all(publishes)
    await eventually(() => record.count() === 300, 'all of them')
    for (const key of keys) expect(record.seen.get(key)).toEqual(Array.from({ length: 60 }, (_, number) => number))
    expect(record.overlaps).toEqual([])
    expect(record.maxRunning()).toBeGreaterThan(1)
  })

  it('a stuck key holds up no other', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const got: unknown[] = []
    await queue.subscribe(
      topic,
      ({ key, data }, { signal }) =>
        key === 'stuck' ? new Promise((resolve) => signal.addEventListener('abort', resolve)) : void got.push(data),
      { ordered: true, concurrency: 2 },
    )
    for (let number = 0; number < 20; number++) await queue.publish(topic, number, { key: 'stuck' })
    for (let number = 0; number < 20; number++) await queue.publish(topic, number, { key: `free-${number % 3}` })
    await eventually(() => got.length === 20, 'the others')
  })

  it('with two instances and broken connections, keys keep their order, one instance owns the group and the other takes over', async () => {
    const link = await proxy(server)
    const topic = freshTopic()
    const record = recorder()
    const first = await open({ url: link.url })
    const second = await open({ url: server.url })
    const publisher = await open({ url: server.url })
    const subscription = await first.subscribe(topic, record.handle, { ordered: true, concurrency: 4 })
    await second.subscribe(topic, record.handle, { ordered: true, concurrency: 4 })
    const keys = ['a', 'b', 'c']
    const publish = async (from: number, to: number): Promise<void> => {
      const all: Promise<unknown>[] = []
      for (let number = from; number < to; number++)
        for (const key of keys) all.push(publisher.publish(topic, number, { key }))
      await Promise.all(all)
    }
    await publish(0, 100)
    await eventually(() => record.count() > 20, 'some of them')
    await link.cut()
    await publish(100, 150)
    await eventually(() => record.count() === 450, 'all of them', 25_000)
    await subscription.stop()
    await publish(150, 160)
    await eventually(() => record.count() === 480, 'those for whoever is left')
    for (const key of keys) {
      expect(firstTimes(record.seen.get(key))).toEqual(Array.from({ length: 160 }, (_, number) => number))
    }
    await link.close()
  })

  it('two subscriptions of one instance do not share the messages of a group either', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const record = recorder()
    const subscriptions = [1, 2].map(() => queue.subscribe(topic, record.handle, { ordered: true, concurrency: 4 }))
    const [first] = await Promise.all(subscriptions)
    for (let number = 0; number < 50; number++) await queue.publish(topic, number, { key: 'k' })
    await first?.stop()
    for (let number = 50; number < 100; number++) await queue.publish(topic, number, { key: 'k' })
    await eventually(() => record.count() === 100, 'all of them')
    expect(firstTimes(record.seen.get('k'))).toEqual(Array.from({ length: 100 }, (_, number) => number))
    expect(record.overlaps).toEqual([])
  })
})

import { brokers, proxy, type RabbitServer, shared } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { namespaceFor } from '../src/topology/names.js'
import { largeField, propertiesWith, publishBytes } from './support/frames.js'
import { eventually, freshTopic, open, pause } from './support/open.js'
import { onRaw } from './support/raw.js'

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

  it('with two instances and broken connections, keys keep their order, and the one that stays takes over', async () => {
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

  it('two subscriptions of one instance share the keys of a group like two instances', async () => {
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

  it('instances share the keys of a group; a join and a death even them out, and each key keeps its order', async () => {
    const link = await proxy(server)
    const topic = freshTopic()
    const record = recorder()
    const first = await open({ url: link.url })
    const second = await open({ url: server.url })
    const publisher = await open({ url: server.url })
    const runs = { first: 0, second: 0 }
    const options = { ordered: true, concurrency: 4 }
    const handling = (name: 'first' | 'second') => (message: { key?: string | undefined; data: unknown }) => {
      runs[name] += 1
      return record.handle(message)
    }
    await first.subscribe(topic, handling('first'), options)
    const keys = Array.from({ length: 16 }, (_, number) => `key-${number}`)
    let published = 0
    const publish = async (): Promise<void> => {
      await Promise.all(keys.map((key) => publisher.publish(topic, published, { key })))
      published += 1
    }
    const publishUntil = async (isDone: () => boolean, what: string): Promise<void> => {
      await eventually(
        async () => {
          await publish()
          return isDone()
        },
        what,
        30_000,
      )
    }
    await publishUntil(() => runs.first > 50, 'the first instance')
    await second.subscribe(topic, handling('second'), options)
    await publishUntil(() => runs.second > 50, 'the second instance')
    const beside = { ...runs }
    await publishUntil(() => runs.first > beside.first + 50 && runs.second > beside.second + 50, 'both at once')
    expect(record.overlaps).toEqual([])
    // The first instance is cut off for good.
    await link.close()
    await publishUntil(() => runs.second > 300, 'the instance that is left')
    await eventually(() => record.count() === published * keys.length, 'all of them', 30_000)
    for (const key of keys) {
      expect(firstTimes(record.seen.get(key))).toEqual(Array.from({ length: published }, (_, number) => number))
    }
  }, 120_000)

  it('of a group that was ordered before, no message is left behind, and its place in the counts is known', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const ref = { topic, group: 'workers' }
    const names = namespaceFor('mq')
    const subscription = await queue.subscribe(topic, () => new Promise(() => {}), { ordered: true, concurrency: 4 })
    for (let number = 0; number < 40; number++) await queue.publish(topic, number, { key: `${number % 8}` })
    await eventually(
      async () => (await onRaw(server.url, (channel) => channel.checkQueue(names.group(ref)))).messageCount === 0,
      'the messages to be in the shares',
    )
    await subscription.stop({ timeoutMs: 0 })
    await eventually(async () => (await queue.stats(topic)).ready === 40, 'all of them to be counted')
    const got = new Set<unknown>()
    await queue.subscribe(topic, ({ data }) => void got.add(data))
    await eventually(() => got.size === 40, 'all of them')
    await queue.deleteGroup(topic, 'workers')
    for (const name of [names.share(ref, 0), names.share(ref, 7), names.roster(ref)]) {
      await expect(onRaw(server.url, (channel) => channel.checkQueue(name))).rejects.toMatchObject({ code: 404 })
    }
  })

  it('a message that cannot be written once more becomes a dead letter, and others of its key go on', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const names = namespaceFor('mq')
    const got: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void got.push(data), { ordered: true })
    await onRaw(server.url, async (channel) => {
      const properties = propertiesWith(largeField(70_000), 'large')
      publishBytes(channel, { exchange: names.topic(topic), routingKey: '' }, { properties, content: Buffer.from('1') })
      await channel.checkQueue(names.dead({ topic, group: 'workers' }))
    })
    await queue.publish(topic, 'behind')
    await eventually(() => got.includes('behind'), 'the message behind it')
    await eventually(async () => (await queue.stats(topic)).dead === 1, 'the dead letter')
    expect(got).toEqual(['behind'])
  })
})

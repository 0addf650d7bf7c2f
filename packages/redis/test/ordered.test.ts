import { brokers, shared, until } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { client, fail, gate, newTopic, open } from './support/open.js'

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe.skipIf(!brokers.wanted('redis'))('ordered', () => {
  let url: string
  beforeAll(async () => {
    url = (await shared('redis')).url
  })

  it('handles one message of a key at a time, in order, across the consumers of a group', async () => {
    const topic = newTopic()
    const queues = [await open(url), await open(url), await open(url)]
    const seen = new Map<string, number[]>()
    const running = new Set<string>()
    const by = new Set<number>()
    let overlaps = 0
    let atOnce = 0
    let handled = 0
    for (const [index, queue] of queues.entries()) {
      const handler = async ({ key = '', data }: { key: string | undefined; data: unknown }): Promise<void> => {
        if (running.has(key)) overlaps += 1
        running.add(key)
        atOnce = Math.max(atOnce, running.size)
        by.add(index)
        seen.set(key, [...(seen.get(key) ?? []), data as number])
        await pause(Math.random() * 5)
        running.delete(key)
        handled += 1
      }
      await queue.subscribe(topic, handler, { ordered: true, concurrency: 4 })
    }
    const [publisher = queues[0]] = queues
    const keys = ['a', 'b', 'c', 'd', 'e']
    for (let number = 0; number < 300; number++) {
      const publishing = publisher?.publish(topic, number, { key: keys[number % keys.length] as string })
      if (number % 20 === 0) await publishing
    }
    await until(() => handled === 300, { what: 'all to be handled', timeoutMs: 20_000 })
    expect(overlaps).toBe(0)
    expect(atOnce).toBeGreaterThan(1)
    expect(by.size).toBe(3)
    for (const [index, key] of keys.entries()) {
      expect(seen.get(key)).toEqual(Array.from({ length: 60 }, (_, round) => round * keys.length + index))
    }
    await until(async () => (await queues[0]?.stats(topic))?.inFlight === 0, { what: 'all to be settled' })
    const counts = { ready: 0, inFlight: 0, delayed: 0, retrying: 0, dead: 0 }
    expect(await queues[0]?.stats(topic)).toEqual({ ...counts, oldestReadyMs: 0, oldestDeadMs: 0, paused: undefined })
    const keysLeft = await (await client(url)).keys(`mq:{${topic}}:group:g:*`)
    expect(keysLeft).toEqual([`mq:{${topic}}:group:g:retry`])
  })

  it('lets other keys continue while one is stuck, and counts waiting messages as ready', async () => {
    const queue = await open(url)
    const topic = newTopic()
    const { opened, open: release } = gate()
    const done: unknown[] = []
    await queue.subscribe(
      topic,
      async ({ key, data }) => {
        if (key === 'stuck') await opened
        done.push(data)
      },
      { ordered: true, concurrency: 2 },
    )
    for (let number = 0; number < 50; number++) await queue.publish(topic, `s${number}`, { key: 'stuck' })
    for (let number = 0; number < 50; number++) await queue.publish(topic, `f${number}`, { key: 'free' })
    await until(() => done.length === 50, { what: 'the other key' })
    expect(done).toEqual(Array.from({ length: 50 }, (_, number) => `f${number}`))
    await until(async () => (await queue.stats(topic)).inFlight === 1, { what: 'one to be in flight' })
    expect((await queue.stats(topic)).ready).toBe(49)
    release()
    await until(() => done.length === 100, { what: 'the stuck key' })
    expect(done.slice(50)).toEqual(Array.from({ length: 50 }, (_, number) => `s${number}`))
  })

  it('runs the next message of a key while a failed one waits for its retry, but never both at once', async () => {
    const queue = await open(url)
    const topic = newTopic()
    const log: string[] = []
    let running = 0
    await queue.subscribe(
      topic,
      async ({ data, attempt }) => {
        running += 1
        expect(running).toBe(1)
        log.push(`${data}/${attempt}`)
        await pause(20)
        running -= 1
        if (data === 'one' && attempt === 1) fail()
      },
      { ordered: true, concurrency: 5, retry: { attempts: 3, delayMs: 100, backoff: 'fixed' } },
    )
    await queue.publishAll(topic, ['one', 'two', 'three'], { key: 'k' })
    await until(() => log.length === 4, { what: 'all runs' })
    expect(log).toEqual(['one/1', 'two/1', 'three/1', 'one/2'])
  })

  it('gives a key back in order when a consumer stops in the middle, without counting an attempt', async () => {
    const topic = newTopic()
    const first = await open(url)
    const second = await open(url)
    const started: number[] = []
    const stuck = await first.subscribe(
      topic,
      ({ data }) => {
        started.push(data as number)
        return new Promise(() => {})
      },
      { ordered: true, concurrency: 5 },
    )
    await first.publishAll(topic, [0, 1, 2, 3, 4], { key: 'k' })
    await until(() => started.length === 1, { what: 'the first to start' })
    await stuck.stop({ timeoutMs: 0 })
    const seen: [unknown, number][] = []
    await second.subscribe(topic, ({ data, attempt }) => void seen.push([data, attempt]), {
      ordered: true,
      concurrency: 5,
    })
    await until(() => seen.length === 5, { what: 'all of them' })
    expect(seen).toEqual([0, 1, 2, 3, 4].map((number) => [number, 1]))
    expect(started).toEqual([0])
  })

  it('finds in time the messages of a dead consumer that stand behind thousands of waiting ones', async () => {
    const queue = await open(url)
    const topic = newTopic()
    const other = await client(url)
    const stream = `mq:{${topic}}:stream`
    await queue.declareGroup(topic, 'g')
    const waiting = 10_000
    for (let at = 0; at < waiting; at += 1_000) {
      const some = other.pipeline()
      for (let number = 0; number < 1_000; number++) some.xadd(stream, '*', 'partitionkey', 'busy', 'data', '0')
      await some.exec()
    }
    await other.xreadgroup('GROUP', 'g', '~waiting', 'COUNT', waiting, 'STREAMS', stream, '>')
    await queue.publish(topic, 'left', { key: 'free' })
    await other.xreadgroup('GROUP', 'g', 'dead', 'COUNT', 1, 'STREAMS', stream, '>')
    const diedAt = performance.now()
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data), { ordered: true })
    await until(() => seen.length === 1, { what: 'what was left', timeoutMs: 15_000 })
    expect(performance.now() - diedAt).toBeLessThan(queue.capabilities.redeliveryMs)
    expect(seen).toEqual(['left'])
  })

  it('handles messages without a key concurrently', async () => {
    const queue = await open(url)
    const topic = newTopic()
    const { opened, open: release } = gate()
    let running = 0
    await queue.subscribe(
      topic,
      async () => {
        running += 1
        await opened
      },
      { ordered: true, concurrency: 3 },
    )
    await queue.publishAll(topic, [1, 2, 3])
    await until(() => running === 3, { what: 'three at once' })
    release()
  })
})

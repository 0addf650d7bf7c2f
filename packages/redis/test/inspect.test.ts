import type { Queue, WaitingMessage } from '@mq/core'
import { brokers, type RedisServer, redis as startRedis, until } from '@mq/test-brokers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { client, fail, gate, newTopic, open } from './support/open.js'

describe.skipIf(!brokers.owned('redis'))('what a group has not finished', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(async () => {
    await server?.stop()
  })

  async function allOf(queue: Queue, topic: string, state: WaitingMessage['state'], limit: number) {
    const items: WaitingMessage[] = []
    let pages = 0
    for (let after: string | undefined; ; pages++) {
      const page = await queue.waiting(topic, 'g').list({ state, limit, after })
      items.push(...page.items)
      after = page.next
      if (after === undefined) return { items, pages: pages + 1 }
    }
  }

  it('is listed from all its places, in the order in which it is taken, and the last page says so', async () => {
    const [queue, topic] = [await open(server.url), newTopic()]
    const failing = await queue.subscribe(topic, fail, { concurrency: 1, retry: { attempts: 1 } })
    await queue.publishAll(topic, ['dead-0', 'dead-1', 'dead-2', 'dead-3'])
    await until(async () => (await queue.stats(topic)).dead === 4, { what: 'the dead letters' })
    await failing.stop()
    await queue.publish(topic, 'delayed', { delayMs: 50 })
    await queue.publish(topic, 'later', { delayMs: 3_600_000 })
    await queue.publishAll(topic, ['new-0', 'new-1', 'new-2'])
    await queue.deadLetters(topic).replay()
    await until(async () => (await queue.stats(topic)).ready === 8, { what: 'all to be ready' })
    for (const limit of [1, 2, 4, 8, 1_000]) {
      const { items, pages } = await allOf(queue, topic, 'ready', limit)
      expect(items.map(({ data }) => data)).toEqual([
        'dead-0',
        'dead-1',
        'dead-2',
        'dead-3',
        'new-0',
        'new-1',
        'new-2',
        'delayed',
      ])
      expect(pages).toBe(Math.ceil(8 / limit))
    }
    const { items: delayed } = await allOf(queue, topic, 'delayed', 1)
    expect(delayed.map(({ data }) => data)).toEqual(['later'])
    expect((await queue.stats(topic)).delayed).toBe(1)
  })

  it('is listed in pages of bounded size', async () => {
    const [queue, topic] = [await open(server.url), newTopic()]
    await queue.declareGroup(topic, 'g')
    const large = 'x'.repeat(800 * 1024)
    for (let number = 0; number < 40; number++) await queue.publish(topic, large, { id: `m-${number}` })
    const first = await queue.waiting(topic).list({ limit: 1_000 })
    expect(first.items.length).toBeGreaterThan(5)
    expect(first.items.length).toBeLessThan(40)
    const { items } = await allOf(queue, topic, 'ready', 1_000)
    expect(items.map(({ message }) => message.id)).toEqual(Array.from({ length: 40 }, (_, number) => `m-${number}`))
  })

  it('is skipped when it was removed before it was due, and is not counted meanwhile', async () => {
    const [queue, topic] = [await open(server.url), newTopic()]
    for (const group of ['g', 'other']) await queue.declareGroup(topic, group)
    await queue.publishAll(topic, ['a', 'b', 'c'], { delayMs: 200 })
    const { items } = await queue.waiting(topic, 'g').list({ state: 'delayed' })
    const named = items.filter(({ data }) => data !== 'b').map(({ entryId }) => entryId)
    expect(await queue.waiting(topic, 'g').remove(named)).toEqual({ removed: 2 })
    await until(async () => (await queue.stats(topic, 'other')).ready === 3, { what: 'all to be due' })
    expect(await queue.stats(topic, 'g')).toMatchObject({ ready: 1, delayed: 0 })
    expect((await queue.waiting(topic, 'g').list()).items.map(({ data }) => data)).toEqual(['b'])
    // The other group moves them to the stream for both.
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data), { group: 'other' })
    await until(() => seen.length === 3, { what: 'all in the other group' })
    expect(await queue.stats(topic, 'g')).toMatchObject({ ready: 1, delayed: 0 })
    expect((await queue.waiting(topic, 'g').list()).items.map(({ data }) => data)).toEqual(['b'])
    const own: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void own.push(data), { group: 'g' })
    await until(() => own.length === 1, { what: 'the one that was not removed' })
    await queue.publish(topic, 'd')
    await until(() => own.length === 2, { what: 'what came later' })
    expect(own).toEqual(['b', 'd'])
    const admin = await client(server.url)
    expect(await admin.exists(`mq:{${topic}}:skipped`)).toBe(0)
  })

  it('leaves nothing behind when its group is deleted', async () => {
    const [queue, topic] = [await open(server.url), newTopic()]
    await queue.declareGroup(topic, 'g')
    await queue.publishAll(topic, [1, 2, 3])
    await queue.publish(topic, 4, { delayMs: 3_600_000 })
    const waiting = queue.waiting(topic, 'g')
    for (const state of ['ready', 'delayed'] as const) {
      const { items } = await waiting.list({ state })
      await waiting.remove(items.slice(0, 2).map(({ entryId }) => entryId))
    }
    await queue.pauseGroup(topic, 'g')
    await queue.deleteGroup(topic, 'g')
    const admin = await client(server.url)
    expect((await admin.keys(`mq:{${topic}}:*`)).sort()).toEqual(
      ['delayed', 'delayed:data', 'deleted', 'ids', 'stream'].map((name) => `mq:{${topic}}:${name}`),
    )
  })

  it('in flight are listed by the times at which their runs began', async () => {
    const [queue, topic] = [await open(server.url), newTopic()]
    const { opened, open: release } = gate()
    await queue.subscribe(topic, () => opened, { concurrency: 2 })
    const startedAt = Date.now()
    await queue.publish(topic, 'first')
    await until(async () => (await queue.stats(topic)).inFlight === 1, { what: 'the first run' })
    // Its claim is renewed several times.
    await until(() => Date.now() > startedAt + 2_500, { what: 'some time' })
    await queue.publish(topic, 'second')
    await until(async () => (await queue.stats(topic)).inFlight === 2, { what: 'the second run' })
    for (const limit of [1, 10]) {
      const { items } = await allOf(queue, topic, 'inFlight', limit)
      expect(items.map(({ data }) => data)).toEqual(['first', 'second'])
      const [first = Number.NaN, second = Number.NaN] = items.map((item) => item.startedAt ?? Number.NaN)
      expect(first - startedAt).toBeLessThan(2_000)
      expect(second - first).toBeGreaterThan(2_000)
    }
    release()
    const admin = await client(server.url)
    await until(async () => (await admin.exists(`mq:{${topic}}:group:g:started`)) === 0, { what: 'nothing to be left' })
  })

  it.each(['free', 'busy'])(
    'is paused and resumed although the server reports no changes of keys: a consumer that is %s',
    async (how) => {
      const admin = await client(server.url)
      await admin.acl('SETUSER', 'quiet', 'on', '>pw', '~mq:*', '+@all', '-subscribe')
      const queue = await open(server.url, { redis: { username: 'quiet', password: 'pw' } })
      const [elsewhere, topic] = [await open(server.url), newTopic()]
      const { opened, open: release } = gate()
      if (how === 'free') release()
      const seen: unknown[] = []
      await queue.subscribe(
        topic,
        async ({ data }) => {
          seen.push(data)
          await opened
        },
        { concurrency: 1 },
      )
      await queue.publish(topic, 'first')
      await until(() => seen.length === 1, { what: 'a run' })
      const status = () => queue.health().consumers[0]?.status
      await elsewhere.pauseGroup(topic, 'g')
      await until(() => status() === 'paused', { what: 'the pause', timeoutMs: 10_000 })
      await elsewhere.publish(topic, 'second')
      release()
      await until(async () => (await elsewhere.stats(topic)).inFlight === 0, { what: 'the run to end' })
      expect((await elsewhere.stats(topic)).ready).toBe(1)
      await elsewhere.resumeGroup(topic, 'g')
      await until(() => seen.length === 2 && status() === 'consuming', { what: 'the rest', timeoutMs: 10_000 })
    },
    30_000,
  )

  it('is counted with the consumers that are there, and with none that were killed', async () => {
    const [queue, topic] = [await open(server.url), newTopic()]
    const subscription = await queue.subscribe(topic, () => {})
    const consumers = async () => (await queue.groups(topic)).items[0]?.consumers
    await until(async () => (await consumers()) === 1, { what: 'the consumer' })
    const admin = await client(server.url)
    await admin.zadd(`mq:{${topic}}:consumers`, 1, 'g killed', Date.now() + 60_000, 'g gone~abcdef123456')
    expect(await consumers()).toBe(1)
    await subscription.stop()
    expect(await consumers()).toBe(0)
  })

  it('has topics without a group among the others, and none that are gone', async () => {
    const [queue, topic, gone] = [await open(server.url), newTopic(), newTopic()]
    await queue.publish(topic, 1)
    await queue.declareGroup(gone, 'g')
    const names = async () => (await queue.topics({ limit: 1_000 })).items.map((item) => item.topic)
    await until(async () => (await names()).includes(topic), { what: 'the topic' })
    expect(await names()).toContain(gone)
    const admin = await client(server.url)
    await admin.del(...(await admin.keys(`mq:{${gone}}:*`)))
    expect(await names()).not.toContain(gone)
  })
})

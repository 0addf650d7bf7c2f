import type { Queue } from '@mq/core'
import { brokers, type RedisServer, redis as startRedis, until } from '@mq/test-brokers'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { client, gate, newTopic, open } from './support/open.js'

describe.skipIf(!brokers.owned('redis'))('loss at the broker', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(async () => {
    await server?.stop()
  })

  /** A queue, what it reported, a topic with one group that collects ids, and a client to do harm with. */
  async function begin(): Promise<{
    queue: Queue
    topic: string
    losses: { reason: string; count?: number }[]
    seen: Set<string>
    other: Redis
  }> {
    const queue = await open(server.url)
    const topic = newTopic()
    const losses: { reason: string; count?: number }[] = []
    const seen = new Set<string>()
    queue.on('data-loss', (event) => losses.push(event))
    await queue.subscribe(topic, ({ id }) => void seen.add(id), { concurrency: 20 })
    return { queue, topic, losses, seen, other: await client(server.url) }
  }

  it('is reported after FLUSHALL under load, and messages that are accepted afterwards arrive', async () => {
    const { queue, topic, losses, seen, other } = await begin()
    let stop = false
    const publishing = (async () => {
      while (!stop) await queue.publish(topic, 'load').catch(() => {})
    })()
    await until(() => seen.size > 50, { what: 'the load to flow' })
    await other.flushall()
    const after = await Promise.all(Array.from({ length: 50 }, (_, number) => queue.publish(topic, number)))
    await until(() => after.every(({ id }) => seen.has(id)), { what: 'what was published after the flush' })
    await until(() => losses.length > 0, { what: 'the report' })
    expect(losses[0]?.reason).toMatch(/vanished/)
    stop = true
    await publishing
    await until(() => queue.health().status === 'up', { what: 'health' })
    expect((await queue.publish(topic, 'last')).routed).toBe('yes')
  })

  it.each([
    ['the stream', (other: Redis, topic: string) => other.del(`mq:{${topic}}:stream`)],
    ['its retry stream', (other: Redis, topic: string) => other.del(`mq:{${topic}}:group:g:retry`)],
    ['the consumer group', (other: Redis, topic: string) => other.xgroup('DESTROY', `mq:{${topic}}:stream`, 'g')],
  ])('is reported once when %s was deleted, and consuming continues', async (_, harm) => {
    const { queue, topic, losses, seen, other } = await begin()
    await queue.publish(topic, 'before')
    await until(() => seen.size === 1, { what: 'the first message' })
    await harm(other, topic)
    await until(() => losses.length > 0, { what: 'the report' })
    const { id } = await queue.publish(topic, 'after')
    await until(() => seen.has(id), { what: 'the later message' })
    expect(losses).toHaveLength(1)
    expect(seen.size).toBe(2)
  })

  it('is reported with a count when a pending entry was deleted, and nothing waits for the entry', async () => {
    const topic = newTopic()
    const other = await client(server.url)
    const dying = await open(server.url)
    const queue = await open(server.url)
    const losses: { count?: number }[] = []
    queue.on('data-loss', (event) => losses.push(event))
    // The entries are pending for a consumer that does not exist, so nobody settles them.
    await dying.declareGroup(topic, 'g')
    await dying.publishAll(topic, [1, 2, 3])
    await other.xreadgroup('GROUP', 'g', 'dead', 'COUNT', 2, 'STREAMS', `mq:{${topic}}:stream`, '>')
    const [entry] = await other.xrange(`mq:{${topic}}:stream`, '-', '+', 'COUNT', 1)
    await other.xdel(`mq:{${topic}}:stream`, entry?.[0] ?? '')
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data, attempt }) => void seen.push([data, attempt]))
    await until(() => seen.length === 2 && losses.length === 1, { what: 'the rest and the report' })
    expect(losses[0]?.count).toBe(1)
    // The crashed delivery of the second message counts as an attempt.
    expect(seen).toContainEqual([2, 2])
    expect(seen).toContainEqual([3, 1])
    await until(async () => (await queue.stats(topic)).inFlight === 0, { what: 'nothing to be pending' })
  })

  it('is reported as a deletion if a group was deleted under its consumers, which continue with later messages', async () => {
    const topic = newTopic()
    const queue = await open(server.url)
    const losses: { reason: string }[] = []
    queue.on('data-loss', (event) => losses.push(event))
    const { opened, open: release } = gate()
    const seen: unknown[] = []
    const aborted: unknown[] = []
    await queue.subscribe(
      topic,
      async ({ data }, { signal }) => {
        seen.push(data)
        signal.addEventListener('abort', () => aborted.push(data))
        await opened
      },
      { concurrency: 1 },
    )
    await queue.publishAll(topic, [1, 2, 3])
    await until(() => seen.length === 1, { what: 'the first' })
    await queue.deleteGroup(topic, 'g')
    const { id } = await queue.publish(topic, 4)
    expect(id).toBeDefined()
    release()
    await until(() => seen.length === 2, { what: 'the later one' })
    expect(seen).toEqual([1, 4])
    await until(() => losses.length === 1, { what: 'the report' })
    expect(losses[0]?.reason).toMatch(/deleted/)
    expect(aborted.length).toBeLessThanOrEqual(1)
  })

  it('is reported when a declared group has vanished, and retained messages are delivered again', async () => {
    const topic = newTopic()
    const queue = await open(server.url)
    const losses: unknown[] = []
    queue.on('data-loss', (event) => losses.push(event))
    await queue.declareGroup(topic, 'g')
    await queue.publish(topic, 'kept')
    await (await client(server.url)).xgroup('DESTROY', `mq:{${topic}}:stream`, 'g')
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await until(() => seen.length === 1, { what: 'the message' })
    expect(losses).toHaveLength(1)
  })

  it('does not follow from killed connections that report changes, and messages arrive all the same', async () => {
    const topic = newTopic()
    const queue = await open(server.url)
    const events: unknown[] = []
    queue.on('data-loss', (event) => events.push(event))
    queue.on('error', (event) => events.push(event))
    const seen = new Set<unknown>()
    await queue.subscribe(topic, ({ data }) => void seen.add(data))
    const other = await client(server.url)
    const reporters = async (): Promise<string[]> =>
      [...String(await other.call('CLIENT', 'LIST', 'TYPE', 'pubsub')).matchAll(/^id=(\d+) /gm)].map(
        ([, id = '']) => id,
      )
    for (let round = 0; round < 3; round++) {
      await until(async () => (await reporters()).length > 0, { what: 'a connection that reports changes' })
      for (const id of await reporters()) await other.client('KILL', 'ID', id)
      await queue.publish(topic, round)
      await until(() => seen.has(round), { what: 'the message' })
    }
    expect(events).toEqual([])
  })

  it('does not follow from flushed scripts', async () => {
    const { queue, topic, losses, seen, other } = await begin()
    for (let round = 0; round < 5; round++) {
      await queue.publishAll(
        topic,
        Array.from({ length: 50 }, (_, number) => number),
      )
      await other.script('FLUSH')
    }
    await until(() => seen.size === 250, { what: 'all messages' })
    await until(async () => (await queue.stats(topic)).inFlight === 0, { what: 'all to be settled' })
    expect(losses).toEqual([])
  })
})

import type { Queue } from '@mq/core'
import { redisStore } from '@mq/redis'
import { brokers, type RedisCluster, type RedisSentinel, redisCluster, redisSentinel, until } from '@mq/test-brokers'
import { Cluster, type Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createLink } from '../src/connection/link.js'
import { linkSettingsOf } from '../src/options/connection.js'
import { client, fail, newTopic, open } from './support/open.js'

/** Returns a new topic that is stored on the first of three masters, or on another one. */
async function topicWhere({ isOnFirst, node }: { readonly isOnFirst: boolean; readonly node: Redis }): Promise<string> {
  const topic = newTopic()
  const slot = Number(await node.cluster('KEYSLOT', topic))
  return slot < 16_384 / 3 === isOnFirst ? topic : await topicWhere({ isOnFirst, node })
}

describe.skipIf(!brokers.owned('redis'))('a cluster of three masters', () => {
  let server: RedisCluster
  beforeAll(async () => {
    server = await redisCluster()
  })
  afterAll(async () => {
    await server?.stop()
  })
  const queueOn = (): Promise<Queue> => open(server.url, { redis: { cluster: server.nodes } })

  it('delivers, retries, delays, orders and dead-letters, on whichever node a topic is', async () => {
    const queue = await queueOn()
    const topics = Array.from({ length: 8 }, newTopic)
    const seen = new Map<string, string[]>(topics.map((topic) => [topic, []]))
    await Promise.all(
      topics.map(async (topic) => {
        const handler = ({ data, attempt }: { data: unknown; attempt: number }): void => {
          seen.get(topic)?.push(`${data}/${attempt}`)
          if (data === 'dies' || (data === 'again' && attempt === 1)) fail()
        }
        await queue.subscribe(topic, handler, { retry: { attempts: 2, delayMs: 50 } })
        await queue.subscribe(topic, () => {}, { group: 'ordered', ordered: true })
        await queue.subscribe(topic, () => {}, { ephemeral: true })
        const results = await queue.publishAll(topic, ['once', 'again', 'dies'], { key: 'k' })
        expect(results.every(({ routed }) => routed === 'yes')).toBe(true)
        await queue.publish(topic, 'later', { delayMs: 200 })
      }),
    )
    const expected = ['again/1', 'again/2', 'dies/1', 'dies/2', 'later/1', 'once/1']
    const isDone = (): boolean => [...seen.values()].every((runs) => runs.length === expected.length)
    await until(isDone, { what: 'all runs', timeoutMs: 20_000 })
    for (const topic of topics) {
      expect([...(seen.get(topic) ?? [])].sort()).toEqual(expected)
      await until(async () => (await queue.stats(topic)).dead === 1, { what: 'the dead letter' })
      expect(await queue.deadLetters(topic).replay()).toEqual({ replayed: 1 })
    }
    const nodes = new Cluster([...server.nodes], { lazyConnect: true })
    await nodes.connect()
    onTestFinished(() => nodes.disconnect())
    const sizes = await Promise.all(nodes.nodes('master').map((node) => node.dbsize()))
    expect(sizes.filter((size) => size > 0).length).toBeGreaterThan(1)
    expect(queue.health().status).toBe('up')
  })

  it('lets the commands for a node wait until it is connected, with the first of them', async () => {
    const link = createLink(linkSettingsOf({ url: server.url, cluster: server.nodes }))
    onTestFinished(() => link.close())
    await link.open()
    const keys = Array.from({ length: 24 }, newTopic)
    const replies = await Promise.all(keys.map((key) => link.send('EXISTS', [key])))
    expect(replies).toEqual(keys.map(() => 0))
  })

  it('reports when it has no connection to any node, and is back by itself', async () => {
    const queue = await queueOn()
    const states: string[] = []
    queue.on('state', ({ state }) => void states.push(state))
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    await queue.publish(topic, 'before')
    const nodes = await Promise.all(server.nodes.map(({ host, port }) => client(`redis://${host}:${port}`)))
    await Promise.all(nodes.map((node) => node.call('CLIENT', 'KILL', 'TYPE', 'normal')))
    await until(() => states.includes('reconnecting'), { what: 'the loss to be reported' })
    await until(() => states.at(-1) === 'connected', { what: 'the next connection', timeoutMs: 15_000 })
    await queue.publish(topic, 'after')
    expect(await queue.stats(topic, 'g')).toMatchObject({ ready: 2 })
  })

  it('has a store on all of its nodes', async () => {
    await using store = redisStore({ url: server.url, cluster: server.nodes, prefix: `${newTopic()}:` })
    const ttlMs = 60_000
    for (const key of Array.from({ length: 12 }, (_, index) => `key ${index}`)) {
      expect(await store.claim(key, 'a', { ttlMs })).toBe('a')
      expect(await store.compareAndSet(key, 'b', { expected: 'a', ttlMs })).toBe(true)
      expect(await store.delete(key, { expected: 'b' })).toBe(true)
      expect(await store.leases.acquire(key, { holder: 'a', ttlMs })).toEqual({ granted: true })
      expect(await store.leases.renew(key, { holder: 'a', ttlMs })).toBe(true)
      await store.leases.release(key, { holder: 'a' })
      expect(await store.take(key, { limit: 1, windowMs: 1_000 })).toEqual({ granted: true, waitMs: 0 })
    }
  })

  it('notices a frozen node while the others answer, and continues with it once it is resumed', async () => {
    const plain = await Promise.all(server.nodes.map(({ host, port }) => client(`redis://${host}:${port}`)))
    for (const node of plain) await node.config('SET', 'cluster-require-full-coverage', 'no')
    const node = await client(server.url)
    const [frozen, other] = [await topicWhere({ isOnFirst: true, node }), await topicWhere({ isOnFirst: false, node })]
    const queue = await open(server.url, { redis: { cluster: server.nodes, commandTimeoutMs: 500 } })
    const seen = new Set<unknown>()
    await queue.subscribe(frozen, ({ data }) => void seen.add(data))
    await queue.publish(frozen, 'before')
    await until(() => seen.has('before'), { what: 'the first message' })
    let isOver = false
    const load = (async () => {
      while (!isOver) await queue.publish(other, 1)
    })()
    await server.first.pause()
    try {
      const startedAt = performance.now()
      await expect(queue.stats(frozen)).rejects.toMatchObject({ code: 'MQ_CONNECTION_LOST' })
      expect(performance.now() - startedAt).toBeLessThan(5_000)
    } finally {
      await server.first.resume()
      isOver = true
    }
    await load
    await queue.publish(frozen, 'after', { timeoutMs: 20_000 })
    await until(() => seen.has('after'), { what: 'the message after it', timeoutMs: 20_000 })
  }, 60_000)

  it('recovers by itself after all nodes were killed, without losing a message', async () => {
    const queue = await queueOn()
    const topics = Array.from({ length: 4 }, newTopic)
    const seen = new Set<string>()
    for (const topic of topics) await queue.subscribe(topic, ({ id }) => void seen.add(id))
    const stored: string[] = []
    for (const topic of topics) stored.push(...(await queue.publishAll(topic, [1, 2, 3])).map(({ id }) => id))
    await server.kill()
    const publishing = topics.map((topic) => queue.publish(topic, 'meanwhile', { timeoutMs: 25_000 }))
    await server.restart()
    for (const publish of publishing) stored.push((await publish).id)
    await until(() => stored.every((id) => seen.has(id)), { what: 'all of them', timeoutMs: 20_000 })
    await until(() => queue.health().status === 'up', { what: 'health', timeoutMs: 15_000 })
  }, 90_000)
})

describe.skipIf(!brokers.owned('redis'))('a cluster with replicas', () => {
  it.each(['killed', 'frozen'] as const)(
    'continues with the replica of a master that is %s',
    async (how) => {
      const server = await redisCluster({ replicas: 1 })
      onTestFinished(() => server.stop())
      const queue = await open(server.url, { redis: { cluster: server.nodes, commandTimeoutMs: 1_000 } })
      const node = await client(server.url)
      const places = Array.from({ length: 12 }, (_, index) => topicWhere({ isOnFirst: index < 6, node }))
      const topics = await Promise.all(places)
      const seen = new Set<string>()
      for (const topic of topics) {
        await queue.subscribe(topic, ({ id, attempt }) => {
          if (attempt === 1 && id.endsWith('0')) fail()
          seen.add(id)
        })
      }
      const publishToAll = async (): Promise<readonly string[]> => {
        const all = topics.flatMap((topic) => [0, 1].map((delay) => ({ topic, options: { delayMs: delay * 100 } })))
        const sent = all.map(({ topic, options }) => queue.publish(topic, 1, { ...options, timeoutMs: 30_000 }))
        return (await Promise.all(sent)).map(({ id }) => id)
      }
      const areSeen = (ids: readonly string[], what: string): Promise<void> =>
        until(() => ids.every((id) => seen.has(id)), { what, timeoutMs: 30_000 }).then(() => undefined)
      await areSeen(await publishToAll(), 'the messages before the failure')
      await (how === 'killed' ? server.first.kill() : server.first.pause())
      for (let round = 0; round < 3; round++) await areSeen(await publishToAll(), 'the messages without the master')
      const observer = await client(`redis://${server.nodes[1]?.host}:${server.nodes[1]?.port}`)
      const lines = async (): Promise<readonly string[]> => String(await observer.cluster('NODES')).split('\n')
      expect((await lines()).filter((line) => /\bmaster\b/.test(line) && !/\bfail\b/.test(line))).toHaveLength(3)
      await (how === 'killed' ? server.first.start() : server.first.resume())
      const isReplica = async (): Promise<boolean> =>
        (await lines()).some((line) => line.includes(`:${server.port}@`) && /\bslave\b/.test(line))
      await until(isReplica, { what: 'the old master to follow', timeoutMs: 30_000 })
      await areSeen(await publishToAll(), 'the messages after its return')
      await until(() => queue.health().status === 'up', { what: 'good health', timeoutMs: 15_000 })
    },
    120_000,
  )
})

describe.skipIf(!brokers.owned('redis'))('a master that Sentinels watch', () => {
  let servers: RedisSentinel
  beforeAll(async () => {
    servers = await redisSentinel()
  })
  afterAll(async () => {
    await servers?.stop()
  })

  it('is found, and so is the new one after a failover', async () => {
    const { name, sentinel } = servers
    const queue = await open('redis://somewhere.invalid', { redis: { sentinel: { name, nodes: [sentinel] } } })
    const topic = newTopic()
    const seen = new Set<unknown>()
    await queue.subscribe(topic, ({ data }) => void seen.add(data))
    await queue.publish(topic, 'before')
    await until(() => seen.has('before'), { what: 'the first message' })
    await servers.failover()
    for (let number = 0; number < 10; number++) {
      await queue.publish(topic, number, { timeoutMs: 25_000 })
    }
    await until(() => seen.size === 11, { what: 'the messages after the failover', timeoutMs: 20_000 })
    await until(() => queue.health().status === 'up', { what: 'health', timeoutMs: 15_000 })
  }, 90_000)
})

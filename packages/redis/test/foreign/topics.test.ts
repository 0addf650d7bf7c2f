import { randomUUID } from 'node:crypto'
import { defineForeignTopic, type Message, type MqError } from '@mq/core'
import { brokers, type RedisCluster, redisCluster, shared, until } from '@mq/test-brokers'
import { Cluster, type Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { client, fail, newTopic, open } from '../support/open.js'

const newKey = (): string => `user_events ${randomUUID()}`

describe.skipIf(!brokers.wanted('redis'))('streams of other programs', () => {
  let url: string
  let other: Redis
  beforeAll(async () => {
    url = (await shared('redis')).url
  })

  it('are read as they are: each field of an entry is a text', async () => {
    other = await client(url)
    const [queue, key] = [await open(url), newKey()]
    await other.xadd(key, '7-1', 'user', '42', 'type', 'signed-up', 'tag', 'a', 'tag', 'b')
    const seen: Message[] = []
    const orders = defineForeignTopic('orders', { at: key })
    await queue.subscribe(orders, (message) => void seen.push(message), { startFrom: 'earliest' })
    await until(() => seen.length === 1, { what: 'the entry' })
    const [{ id, topic, type, data, time } = {} as Message] = seen
    expect({ id, topic, type, data, time: time.getTime() }).toEqual({
      id: '7-1',
      topic: 'orders',
      type: 'orders',
      data: { user: '42', type: 'signed-up', tag: ['a', 'b'] },
      time: 7,
    })
  })

  it('are read from one field, as bytes, and the other fields are headers', async () => {
    other = await client(url)
    const [queue, key] = [await open(url), newKey()]
    const seen: unknown[] = []
    const orders = defineForeignTopic('orders', { at: { stream: key, field: 'avro' }, decode: 'bytes' })
    await other.xadd(key, '*', 'avro', Buffer.from([0xff, 0, 1]), 'trace', 't-1')
    await queue.subscribe(orders, ({ data, headers }) => void seen.push([data, { ...headers }]), {
      startFrom: 'earliest',
    })
    await until(() => seen.length === 1, { what: 'the entry' })
    expect(seen).toEqual([[new Uint8Array([0xff, 0, 1]), { trace: 't-1' }]])
  })

  it('hold CloudEvents too, which keep their attributes', async () => {
    other = await client(url)
    const [queue, key] = [await open(url), newKey()]
    const seen: Message[] = []
    await other.xadd(key, '*', 'specversion', '1.0', 'id', 'e1', 'source', '/shop', 'type', 'sold', 'data', '[1]')
    const orders = defineForeignTopic('orders', { at: key })
    await queue.subscribe(orders, (message) => void seen.push(message), { startFrom: 'earliest' })
    await until(() => seen.length === 1, { what: 'the event' })
    const [{ id, source, type, data } = {} as Message] = seen
    expect({ id, source, type, data }).toEqual({ id: 'e1', source: '/shop', type: 'sold', data: [1] })
  })

  it('keep their entries and groups of others, whatever becomes of ours', async () => {
    other = await client(url)
    const [queue, key] = [await open(url, { redis: { retain: 100 } }), newKey()]
    await other.xgroup('CREATE', key, 'g', '$', 'MKSTREAM')
    const orders = defineForeignTopic(newTopic(), { at: key, decode: 'text' })
    let isBroken = true
    const runs: number[] = []
    const subscription = await queue.subscribe(
      orders,
      ({ attempt }) => {
        runs.push(attempt)
        if (isBroken) fail()
      },
      { retry: { attempts: 2, delayMs: 10 }, concurrency: 100 },
    )
    for (let number = 0; number < 300; number++) await other.xadd(key, '*', 'number', number)
    // The other group has read everything too, so no group would hold up trimming.
    await other.xgroup('SETID', key, 'g', '$')
    const dead = queue.deadLetters(orders)
    await until(async () => (await queue.stats(orders)).dead === 300, { what: 'the dead letters' })
    expect((await dead.list({ limit: 1 }))[0]?.data).toBe('{"number":"0"}')
    expect(await other.xinfo('GROUPS', key)).toHaveLength(2)
    isBroken = false
    runs.length = 0
    expect(await dead.replay()).toEqual({ replayed: 300 })
    await until(() => runs.length === 300, { what: 'the replay' })
    // A consumer tidies once a second.
    const tidied = performance.now() + 1_500
    await until(() => performance.now() > tidied, { what: 'consumers to have tidied up' })
    await subscription.stop()
    await queue.deleteGroup(orders, 'g')
    expect(await other.xlen(key)).toBe(300)
    const groups = (await other.xinfo('GROUPS', key)) as string[][]
    expect(groups.map((group) => group[1])).toEqual(['g'])
    expect(await other.keys(`mq:{${key}}:at:${orders.name}:group:*`)).toEqual([])
  })

  it('are refused if they do not exist or are no streams, and are not created', async () => {
    other = await client(url)
    const [queue, missing, list] = [await open(url), newKey(), newKey()]
    await other.lpush(list, 'x')
    const subscribeTo = (at: string): Promise<unknown> =>
      queue
        .subscribe(defineForeignTopic(newTopic(), { at }), () => {})
        .catch((error: MqError) => [error.code, error.message])
    expect(await subscribeTo(missing)).toEqual(['MQ_TOPIC_MISSING', `The key '${missing}' does not exist at Redis`])
    expect(await subscribeTo(list)).toEqual([
      'MQ_TOPIC_MISSING',
      `The key '${list}' holds a list, and no stream at Redis`,
    ])
    expect(await other.exists(missing)).toBe(0)
    const listening = queue.subscribe(defineForeignTopic(newTopic(), { at: missing }), () => {}, { ephemeral: true })
    await expect(listening).rejects.toMatchObject({ code: 'MQ_TOPIC_MISSING' })
    const exchange = defineForeignTopic('orders', { at: { exchange: 'x', routingKey: '' } })
    await expect(queue.subscribe(exchange, () => {})).rejects.toMatchObject({ code: 'MQ_NOT_SUPPORTED' })
  })

  it('are read by an ephemeral subscription', async () => {
    other = await client(url)
    const [queue, key] = [await open(url), newKey()]
    await other.xadd(key, '*', 'number', 1)
    const seen: unknown[] = []
    const numbers = defineForeignTopic(newTopic(), { at: { stream: key, field: 'number' } })
    await queue.subscribe(numbers, ({ data }) => void seen.push(data), { ephemeral: true })
    await other.xadd(key, '*', 'number', 2)
    await until(() => seen.length === 1, { what: 'the entry' })
    expect(seen).toEqual([2])
  })

  it('are named in an error if a new topic of ours has their name', async () => {
    other = await client(url)
    const [queue, name] = [await open(url), `user_events-${randomUUID()}`]
    const errors: string[] = []
    queue.on('error', ({ error }) => errors.push(error.message))
    await other.xadd(name, '*', 'data', '1')
    await queue.subscribe(name, () => {})
    expect(errors).toEqual([expect.stringContaining(`use defineForeignTopic with at: '${name}'`)])
    await queue.subscribe(name, () => {}, { group: 'other' })
    expect(errors).toHaveLength(1)
  })

  it('are read again after their owner made them anew', async () => {
    other = await client(url)
    const [queue, key] = [await open(url), newKey()]
    const seen: unknown[] = []
    let lost = 0
    queue.on('data-loss', () => void lost++)
    queue.on('error', () => {})
    await other.xadd(key, '*', 'number', 1)
    await queue.subscribe(defineForeignTopic(newTopic(), { at: key }), ({ data }) => void seen.push(data), {
      startFrom: 'earliest',
    })
    await until(() => seen.length === 1, { what: 'the first entry' })
    await other.del(key)
    await until(() => queue.health().status === 'degraded', { what: 'the consumer to notice' })
    expect(await other.exists(key)).toBe(0)
    await other.xadd(key, '*', 'number', 2)
    await until(() => seen.length === 2, { what: 'the new entry' })
    expect(lost).toBe(1)
  })
})

describe.skipIf(!brokers.owned('redis'))('streams of other programs in a cluster', () => {
  let server: RedisCluster
  beforeAll(async () => {
    server = await redisCluster()
  })
  afterAll(async () => {
    await server?.stop()
  })

  it('share their slot with what we store for them', async () => {
    const queue = await open(server.url, { redis: { cluster: server.nodes } })
    const nodes = new Cluster([...server.nodes], { lazyConnect: true })
    await nodes.connect()
    onTestFinished(() => nodes.disconnect())
    for (const key of ['plain', '{tag}:events', 'left{tag}right', 'open{', '{}empty']) {
      const topic = defineForeignTopic(newTopic(), { at: key })
      if (key === '{}empty') {
        expect(() => queue.capabilitiesOf(topic)).toThrow(/shares its slot with no other key/)
        continue
      }
      await nodes.xadd(key, '*', 'key', key)
      const runs: unknown[] = []
      await queue.subscribe(
        topic,
        ({ data, attempt }) => {
          runs.push([data, attempt])
          fail()
        },
        { startFrom: 'earliest', retry: { attempts: 2, delayMs: 10 } },
      )
      await until(async () => (await queue.stats(topic)).dead === 1, { what: `the dead letter of ${key}` })
      expect(runs).toEqual([
        [{ key }, 1],
        [{ key }, 2],
      ])
    }
  })
})

import { brokers, proxy, type RabbitServer, rabbitmq as startRabbit } from '@mq/test-brokers'
import { connect } from 'amqplib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RabbitmqOptions } from '../src/index.js'
import { namespaceFor } from '../src/topology/names.js'
import { eventually, freshTopic, open, pause } from './support/open.js'
import { onRaw } from './support/raw.js'

const names = namespaceFor('mq')
const quietMs = 300

/** Opens connections whose channels note the names of the queues that they declare. */
const noting =
  (declared: string[]): RabbitmqOptions['createClient'] =>
  async (url, socketOptions) => {
    const connection = await connect(url, socketOptions)
    const createChannel = connection.createChannel.bind(connection)
    connection.createChannel = async () => {
      const channel = await createChannel()
      const assertQueue = channel.assertQueue.bind(channel)
      channel.assertQueue = (queue, ...rest) => {
        declared.push(String(queue))
        return assertQueue(queue, ...rest)
      }
      return channel
    }
    return connection
  }

describe.skipIf(!brokers.owned('rabbitmq'))('publishing', () => {
  let server: RabbitServer

  beforeAll(async () => {
    server = await startRabbit({
      users: {
        guest: { password: 'guest' },
        carol: { password: 'other', permissions: { configure: '.*', write: '^(?!.*forbidden).*$', read: '.*' } },
      },
      config: { max_message_size: '200000' },
    })
  })
  afterAll(async () => {
    await server?.stop()
  })

  it('an exchange that is deleted with 100 publishes in flight is declared again, with its groups, and no publish is lost', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const got = new Set<unknown>()
    await queue.subscribe(topic, ({ data }) => void got.add(data))
    const publishes = Array.from({ length: 50 }, (_, number) => queue.publish(topic, number))
    const deleting = onRaw(server.url, (channel) => channel.deleteExchange(names.topic(topic)))
    for (let number = 50; number < 100; number++) publishes.push(queue.publish(topic, number))
    await deleting
    for (let number = 100; number < 150; number++) publishes.push(queue.publish(topic, number))
    const results = await Promise.all(publishes)
    const routed = results.flatMap(({ routed }, number) => (routed === 'yes' ? [number] : []))
    expect(routed.length).toBeGreaterThan(99)
    await eventually(() => routed.every((number) => got.has(number)), 'all that was routed')
  })

  it('the first publish declares no group again that its process has just declared, as long as the exchange exists', async () => {
    const declared: string[] = []
    const queue = await open({ url: server.url, createClient: noting(declared) })
    const [topic, other] = [freshTopic(), freshTopic()]
    const groups = Array.from({ length: 5 }, (_, number) => `g${number}`)
    for (const group of groups) for (const at of [topic, other]) await queue.declareGroup(at, group)
    await onRaw(server.url, (channel) => channel.deleteExchange(names.topic(other)))
    declared.length = 0
    expect(await queue.publish(topic, 1)).toMatchObject({ routed: 'yes' })
    expect(declared.filter((name) => name.includes(topic))).toEqual([])
    expect(await queue.publish(other, 1)).toMatchObject({ routed: 'yes' })
    for (const group of groups) {
      expect(await queue.stats(topic, group)).toMatchObject({ ready: 1 })
      expect(await queue.stats(other, group)).toMatchObject({ ready: 1 })
    }
  })

  it('a message larger than the broker accepts is refused, and the others are stored', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    await queue.declareGroup(topic, 'workers')
    const beside = [queue.publish(topic, 1), queue.publish(topic, 2)]
    const tooLarge = queue.publish(topic, Buffer.alloc(200_001))
    beside.push(queue.publish(topic, 3))
    await expect(tooLarge).rejects.toMatchObject({ code: 'MQ_MESSAGE_TOO_LARGE' })
    expect((await Promise.all(beside)).map(({ routed }) => routed)).toEqual(['yes', 'yes', 'yes'])
  })

  it('a topic that the user may not write to is refused, and messages of others are stored', async () => {
    const queue = await open({ url: server.url, username: 'carol', password: 'other' })
    const owner = await open({ url: server.url })
    const forbidden = `forbidden.${freshTopic()}`
    const allowed = freshTopic()
    await owner.declareGroup(forbidden, 'workers')
    await owner.declareGroup(allowed, 'workers')
    const beside = Array.from({ length: 10 }, (_, number) => queue.publish(allowed, number))
    await expect(queue.publish(forbidden, 1)).rejects.toMatchObject({ code: 'MQ_PUBLISH_REJECTED' })
    for (const { routed } of await Promise.all(beside)) expect(routed).toBe('yes')
  })

  it('with a full queue a publish waits for room, then says that the message may not be stored', async () => {
    const queue = await open({ url: server.url, queueArguments: { 'x-max-length': 1 } })
    const topic = freshTopic()
    await queue.declareGroup(topic, 'workers')
    let stored = 0
    let refusal: unknown
    // Quorum queues enforce the limit a little late.
    while (refusal === undefined && stored < 20) {
      await queue.publish(topic, stored).then(
        () => (stored += 1),
        (error) => (refusal = error),
      )
    }
    expect(refusal).toMatchObject({ code: 'MQ_PUBLISH_UNKNOWN', message: expect.stringMatching(/full or unavailable/) })
    expect((await queue.stats(topic)).ready).toBe(stored)
    const later = queue.publish(topic, 'later')
    await queue.subscribe(topic, () => {})
    expect((await later).routed).toBe('yes')
  })

  it('publishes wait during a memory alarm, which is reported, and go through once it is over', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    await queue.declareGroup(topic, 'workers')
    const blocked: boolean[] = []
    queue.on('blocked', (event) => blocked.push(event.blocked))
    await server.alarm(true)
    const waiting = Array.from({ length: 20 }, (_, number) => queue.publish(topic, number, { timeoutMs: 20_000 }))
    await eventually(() => blocked.includes(true), 'the broker to block')
    let settled = 0
    for (const one of waiting) void one.finally(() => settled++)
    await pause(quietMs)
    expect(settled).toBe(0)
    await server.alarm(false)
    await Promise.all(waiting)
    expect(blocked).toEqual([true, false])
    expect((await queue.stats(topic)).ready).toBe(20)
  })

  it('a process whose publishing is blocked can still declare, subscribe, read statistics and delete a group', async () => {
    const queue = await open({ url: server.url })
    const other = await open({ url: server.url })
    const topic = freshTopic()
    await other.declareGroup(topic, 'workers')
    await other.publish(topic, 'before')
    const blocked: boolean[] = []
    queue.on('blocked', (event) => blocked.push(event.blocked))
    await server.alarm(true)
    try {
      const late = queue.publish(topic, 'meanwhile', { timeoutMs: 1_000 })
      await expect(late).rejects.toMatchObject({ code: 'MQ_PUBLISH_UNKNOWN' })
      expect(blocked).toEqual([true])
      expect((await queue.stats(topic)).ready).toBe(1)
      const got: unknown[] = []
      await queue.subscribe(topic, ({ data }) => void got.push(data))
      await eventually(() => got.length === 1, 'the message from before')
      await queue.declareGroup(topic, 'another')
      await queue.deleteGroup(topic, 'another')
    } finally {
      await server.alarm(false)
    }
  })

  it('a blocked connection that ends is reported as blocked no longer', async () => {
    const link = await proxy(server)
    const queue = await open({ url: link.url })
    const blocked: boolean[] = []
    queue.on('blocked', (event) => blocked.push(event.blocked))
    await server.alarm(true)
    try {
      const late = queue.publish(freshTopic(), 1, { timeoutMs: 1_000 })
      await expect(late).rejects.toMatchObject({ code: 'MQ_PUBLISH_UNKNOWN' })
      await link.cut()
      await eventually(() => queue.health().state === 'reconnecting', 'the cut to be noticed')
      expect(blocked).toEqual([true, false])
    } finally {
      await server.alarm(false)
    }
    await link.close()
  })

  it('a message in flight when the connection breaks is published again with its id', async () => {
    const link = await proxy(server)
    const queue = await open({ url: link.url })
    const reader = await open({ url: server.url })
    const topic = freshTopic()
    const ids: string[] = []
    await reader.subscribe(topic, ({ id }) => void ids.push(id), { concurrency: 100 })
    await queue.publish(topic, 0, { id: 'before' })
    // The broker stores them, and the confirms are lost with the connection.
    await link.freeze('out')
    const publishes = Array.from({ length: 30 }, (_, number) => queue.publish(topic, number, { id: `n${number}` }))
    await eventually(() => ids.length === 31, 'the broker to have them')
    await link.cut()
    await link.heal()
    for (const { routed } of await Promise.all(publishes)) expect(routed).toBe('yes')
    await eventually(() => ids.length === 61, 'the second copies')
    expect(new Set(ids).size).toBe(31)
    await link.close()
  })

  it('messages of all sizes keep the order of publishing, and each gets its own answer', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const got: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void got.push((data as { readonly number: number }).number))
    const sizeOf = (number: number): number => (number === 150 ? 300_000 : number % 7 === 3 ? 20_000 : 10)
    const publishes = Array.from({ length: 300 }, (_, number) =>
      queue.publish(topic, { number, text: 'x'.repeat(sizeOf(number)) }),
    )
    const results = await Promise.allSettled(publishes)
    expect(results.flatMap(({ status }, number) => (status === 'rejected' ? [number] : []))).toEqual([150])
    await eventually(() => new Set(got).size >= 299, 'all messages but the refused one')
    // The refusal ends the channel, and what was in flight with it is sent again.
    expect([...new Set(got)]).toEqual(Array.from({ length: 300 }, (_, number) => number).filter((one) => one !== 150))
  })

  it('the order of publishing is kept across a reconnect, apart from duplicates', async () => {
    const link = await proxy(server)
    const queue = await open({ url: link.url })
    const reader = await open({ url: server.url })
    const topic = freshTopic()
    const first = new Set<number>()
    await reader.subscribe(topic, ({ data }) => void first.add(data as number), { concurrency: 1 })
    const publishes: Promise<unknown>[] = []
    for (let number = 0; number < 400; number++) {
      publishes.push(queue.publish(topic, number))
      if (number === 150 || number === 280) await link.cut()
    }
    await Promise.all(publishes)
    await eventually(() => first.size === 400, 'all of them')
    expect([...first]).toEqual(Array.from({ length: 400 }, (_, number) => number))
    await link.close()
  })
})

import type { MqError } from '@mq/core'
import { brokers, proxy, type RabbitServer, shared } from '@mq/test-brokers'
import { connect } from 'amqplib'
import { beforeAll, describe, expect, it } from 'vitest'
import type { RabbitmqOptions } from '../src/index.js'
import { namespaceFor } from '../src/topology/names.js'
import { largeField, nestedFields, propertiesWith, propertiesWithLateTime, publishBytes } from './support/frames.js'
import { eventually, freshTopic, open } from './support/open.js'
import { onRaw } from './support/raw.js'

const names = namespaceFor('mq')
const refOf = (topic: string) => ({ topic, group: 'workers' })
const fail = (): never => {
  throw new Error('broken')
}
const once = { retry: { attempts: 1 } }

/** Opens connections whose channels note the delivery tags of their acknowledgements. */
const notingAcks =
  (acks: number[]): RabbitmqOptions['createClient'] =>
  async (url, socketOptions) => {
    const connection = await connect(url, socketOptions)
    const createChannel = connection.createChannel.bind(connection)
    connection.createChannel = async () => {
      const channel = await createChannel()
      const ack = channel.ack.bind(channel)
      channel.ack = (message, allUpTo) => {
        acks.push(message.fields.deliveryTag)
        ack(message, allUpTo)
      }
      return channel
    }
    return connection
  }

describe.skipIf(!brokers.wanted('rabbitmq'))('dead letters', () => {
  let server: RabbitServer
  beforeAll(async () => {
    server = await shared('rabbitmq')
  })

  async function withDead(count: number) {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const subscription = await queue.subscribe(topic, fail, { ...once, concurrency: 1 })
    for (let number = 0; number < count; number++) await queue.publish(topic, number)
    await eventually(async () => (await queue.stats(topic)).dead === count, `${count} dead letters`)
    await subscription.stop()
    return { queue, topic, letters: queue.deadLetters(topic) }
  }

  it('are listed the oldest first, at most the limit, any number of times', async () => {
    const { letters } = await withDead(7)
    const first = await letters.list({ limit: 3 })
    expect(first.map(({ data }) => data)).toEqual([0, 1, 2])
    const ids = (await letters.list()).map(({ entryId }) => entryId)
    for (let times = 0; times < 30; times++) await letters.list()
    const again = await letters.list()
    expect(again.map(({ data }) => data)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(again.map(({ entryId }) => entryId)).toEqual(ids)
  })

  it('are replayed and purged by their ids, and the others stay as they are', async () => {
    const { queue, topic, letters } = await withDead(5)
    const [first, second, third] = await letters.list()
    if (!first || !second || !third) throw new Error('There are five')
    expect(await letters.purge([second.entryId])).toEqual({ purged: 1 })
    expect(await letters.replay([third.entryId, first.entryId, 'unknown'])).toEqual({ replayed: 2 })
    expect((await letters.list()).map(({ data }) => data)).toEqual([3, 4])
    const got: unknown[] = []
    await queue.subscribe(topic, ({ data, attempt }) => void got.push([data, attempt]))
    await eventually(() => got.length === 2, 'both')
    expect(got.sort()).toEqual([
      [0, 1],
      [2, 1],
    ])
    expect(await letters.purge()).toEqual({ purged: 2 })
    expect(await letters.list()).toEqual([])
  })

  it('are replayed to their group alone, hundreds at a time', async () => {
    const acks: number[] = []
    const queue = await open({ url: server.url, createClient: notingAcks(acks) })
    const topic = freshTopic()
    await queue.declareGroup(topic, 'other')
    const failing = await queue.subscribe(topic, fail, { ...once, concurrency: 100 })
    await queue.publishAll(
      topic,
      Array.from({ length: 300 }, (_, number) => number),
    )
    await eventually(async () => (await queue.stats(topic)).dead === 300, '300 dead letters')
    await failing.stop()
    acks.length = 0
    expect(await queue.deadLetters(topic).replay()).toEqual({ replayed: 300 })
    // When the channel closes, the broker forgets all but 32 answers to a queue that are not stored yet.
    expect(acks.length).toBeLessThan(16)
    expect(await queue.stats(topic)).toMatchObject({ ready: 300, dead: 0 })
    expect(await queue.stats(topic, 'other')).toMatchObject({ ready: 300 })
  })

  it('that the broker made by itself are listed with its reason, and can be replayed', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    await queue.declareGroup(topic, 'workers')
    await queue.publish(topic, { order: 7 }, { id: 'one', headers: { Tenant: 'x' } })
    await onRaw(server.url, async (channel) => {
      const message = await channel.get(names.group(refOf(topic)))
      if (message !== false) channel.reject(message, false)
    })
    await eventually(async () => (await queue.stats(topic)).dead === 1, 'the dead letter')
    const letters = queue.deadLetters(topic)
    const [entry] = await letters.list()
    expect(entry).toMatchObject({
      message: { id: 'one', headers: { Tenant: 'x' } },
      data: { order: 7 },
      failure: { reason: 'broker', error: { code: 'rejected' } },
    })
    expect((await letters.list())[0]?.entryId).toBe(entry?.entryId)
    expect(await letters.replay([entry?.entryId ?? ''])).toEqual({ replayed: 1 })
    const got: unknown[] = []
    await queue.subscribe(topic, (message) => void got.push([message.id, message.attempt, { ...message.headers }]))
    await eventually(() => got.length === 1, 'the message')
    expect(got).toEqual([['one', 1, { Tenant: 'x' }]])
  })

  it('that the driver cannot write are made by the broker, and hold up no handler', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    await queue.subscribe(topic, fail, { retry: { attempts: 2, delayMs: 0 }, concurrency: 1 })
    // The driver reads it as a table with these two keys, and would write it as a time.
    const table = { '!': 'object', value: { '!': 'timestamp', value: 'x' } }
    await onRaw(server.url, async (channel) => {
      channel.publish(names.topic(topic), '', Buffer.from('1'), { headers: { table } })
      await channel.waitForConfirms()
    })
    await eventually(async () => (await queue.stats(topic)).dead === 1, 'the dead letter of the broker', 5_000)
    await queue.publish(topic, 2)
    await eventually(async () => (await queue.stats(topic)).dead === 2, 'the dead letter behind')
  })

  /** Puts messages among the dead letters that the driver could not write. */
  async function putDead(topic: string, given: readonly (readonly [properties: Buffer, content: string])[]) {
    const dead = names.dead(refOf(topic))
    await onRaw(server.url, async (channel) => {
      for (const [properties, content] of given) {
        publishBytes(channel, { exchange: '', routingKey: dead }, { properties, content: Buffer.from(content) })
      }
      await channel.checkQueue(dead)
    })
  }

  const idsOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `large-${index}`)

  /** Puts large messages among the dead letters, in the order of their ids. */
  async function putLarge(topic: string, { count, megabytes }: { readonly count: number; readonly megabytes: number }) {
    const content = Buffer.alloc(megabytes * 1024 * 1024, 'x')
    await onRaw(server.url, async (channel) => {
      for (const messageId of idsOf(count)) channel.sendToQueue(names.dead(refOf(topic)), content, { messageId })
      await channel.waitForConfirms()
    })
  }

  it('that cannot be copied stay and are named, and all others are replayed', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    await queue.declareGroup(topic, 'workers')
    // More than are taken at a time.
    const unfit = Array.from({ length: 120 }, (_, number) => `unfit-${number}`)
    const fit = propertiesWith(largeField(10), 'fit')
    await putDead(topic, [
      ...unfit.map((id): [Buffer, string] => [propertiesWith(largeField(70_000), id), '1']),
      [fit, '1'],
      [propertiesWith(nestedFields(12_000), 'nested'), '1'],
      [fit, '2'],
    ])
    await eventually(async () => (await queue.stats(topic)).dead === 123, 'the dead letters')
    const letters = queue.deadLetters(topic)
    const [first] = await letters.list({ limit: 1 })
    const ids = (await letters.list({ limit: 200 })).map(({ entryId }) => entryId)
    const error = await letters.replay().catch((failure: MqError) => failure)
    expect(error).toMatchObject({ code: 'MQ_OPERATION_FAILED' })
    expect((error as MqError).message).toContain('121 of the dead letters cannot be replayed, and 2 were')
    const named = (error as MqError).message.match(/broker-[0-9a-f]{32}/g) ?? []
    expect(named.length).toBe(20)
    expect(ids).toEqual(expect.arrayContaining(named))
    expect(await queue.stats(topic)).toMatchObject({ ready: 2, dead: 121 })
    expect(await letters.purge([first?.entryId ?? ''])).toEqual({ purged: 1 })
    const got: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void got.push(data))
    await eventually(() => got.length === 2, 'both')
    expect(got.sort()).toEqual([1, 2])
  })

  it('are replayed without a time that the driver cannot write', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const runs: unknown[] = []
    await queue.subscribe(topic, ({ id, attempt }) => {
      runs.push([id, attempt])
      if (attempt === 1) fail()
    })
    await putDead(topic, [[propertiesWithLateTime('late'), '1']])
    await eventually(async () => (await queue.stats(topic)).dead === 1, 'the dead letter')
    expect(await queue.deadLetters(topic).replay()).toEqual({ replayed: 1 })
    await eventually(() => runs.length === 2, 'both runs')
    expect(runs).toEqual([
      ['late', 1],
      ['late', 2],
    ])
  })

  it('are listed up to 64 MiB, with an error that says how many are left out, and all of them can be replayed', async () => {
    const queue = await open({ url: server.url })
    const errors: string[] = []
    queue.on('error', ({ error }) => void errors.push(error.message))
    const topic = freshTopic()
    await queue.declareGroup(topic, 'workers')
    await putLarge(topic, { count: 12, megabytes: 8 })
    const letters = queue.deadLetters(topic)
    for (let times = 0; times < 2; times++) {
      expect((await letters.list()).map(({ message }) => message.id)).toEqual(idsOf(8))
    }
    expect(errors).toEqual(Array(2).fill(expect.stringMatching(/has 8 of 12 entries: a list ends at 64 MiB/)))
    expect(await letters.purge(['unknown'])).toEqual({ purged: 0 })
    expect(await letters.replay()).toEqual({ replayed: 12 })
    expect(await queue.stats(topic)).toMatchObject({ ready: 12, dead: 0 })
  })

  it('are all listed and replayed if each of them takes seconds to arrive', async () => {
    const link = await proxy(server)
    const queue = await open({ url: link.url })
    const topic = freshTopic()
    await queue.declareGroup(topic, 'workers')
    await putLarge(topic, { count: 3, megabytes: 1 })
    const letters = queue.deadLetters(topic)
    expect(await letters.list()).toHaveLength(3)
    await link.slow(500_000)
    expect((await letters.list()).map(({ message }) => message.id)).toEqual(idsOf(3))
    expect(await letters.replay(['unknown'])).toEqual({ replayed: 0 })
    await link.heal()
    expect(await letters.replay()).toEqual({ replayed: 3 })
    await link.close()
  })

  it('are shown whole to each of the processes that look at the same time', async () => {
    const { topic, letters } = await withDead(7)
    const others = await open({ url: server.url })
    const lists = await Promise.all(
      Array.from({ length: 6 }, (_, index) => (index % 2 === 0 ? letters : others.deadLetters(topic)).list()),
    )
    expect(lists.map((entries) => entries.map(({ data }) => data))).toEqual(Array(6).fill([0, 1, 2, 3, 4, 5, 6]))
    const replays = await Promise.all([letters.replay(), others.deadLetters(topic).replay()])
    expect(replays.map(({ replayed }) => replayed).sort()).toEqual([0, 7])
  })

  it('are listed beside those that expire meanwhile, as another program has told them to', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    await queue.declareGroup(topic, 'workers')
    const errors: string[] = []
    queue.on('error', ({ error }) => void errors.push(error.message))
    await onRaw(server.url, async (channel) => {
      const put = (data: string, expiration?: string): boolean =>
        channel.sendToQueue(names.dead(refOf(topic)), Buffer.from(JSON.stringify(data)), {
          contentType: 'application/json',
          ...(expiration && { expiration }),
        })
      put('first')
      for (let number = 0; number < 6; number++) put(`gone-${number}`, '1')
      put('last')
      await channel.waitForConfirms()
    })
    const letters = queue.deadLetters(topic)
    expect((await letters.list()).map(({ data }) => data)).toEqual(['first', 'last'])
    expect(errors).toEqual([expect.stringMatching(/^6 of the dead letters .* they have expired/)])
    expect(await letters.replay()).toEqual({ replayed: 2 })
  })

  it('are not listed in part while another program consumes them: the list rejects', async () => {
    const { topic, letters } = await withDead(3)
    await onRaw(server.url, async (channel) => {
      await channel.prefetch(2)
      await channel.consume(names.dead(refOf(topic)), () => undefined)
      const consumed = { code: 'MQ_OPERATION_FAILED', message: expect.stringMatching(/another program consumes/) }
      await expect(letters.list()).rejects.toMatchObject(consumed)
      await expect(letters.replay()).rejects.toMatchObject(consumed)
    })
    expect(await letters.list()).toHaveLength(3)
  })

  it('that other programs wrote keep their ids, however the broker orders their headers', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    await queue.declareGroup(topic, 'workers')
    await onRaw(server.url, async (channel) => {
      const headers = { 'x-death': 5, z: [{ y: 1, b: 2 }], 'x-delivery-count': 4, a: 1 }
      channel.sendToQueue(names.dead(refOf(topic)), Buffer.from('1'), { headers })
      await channel.waitForConfirms()
    })
    await putDead(topic, [
      [propertiesWith(nestedFields(5_000), ''), '1'],
      [propertiesWith(nestedFields(5_001), ''), '1'],
    ])
    await eventually(async () => (await queue.stats(topic)).dead === 3, 'the dead letters')
    const letters = queue.deadLetters(topic)
    const lists: (readonly string[])[] = []
    for (let times = 0; times < 3; times++) lists.push((await letters.list()).map(({ entryId }) => entryId).sort())
    expect(new Set(lists[0]).size).toBe(3)
    expect(lists.slice(1)).toEqual([lists[0], lists[0]])
    expect(await letters.replay(lists[0])).toEqual({ replayed: 3 })
  })

  it('are an empty list for a group that does not exist', async () => {
    const queue = await open({ url: server.url })
    const letters = queue.deadLetters(freshTopic())
    expect(await letters.list()).toEqual([])
    expect(await letters.replay()).toEqual({ replayed: 0 })
    expect(await letters.purge()).toEqual({ purged: 0 })
  })

  it('a dead-letter queue that was deleted is declared again before anything is lost', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const got: unknown[] = []
    let end = (): void => undefined
    const deleted = new Promise<void>((resolve) => {
      end = resolve
    })
    await queue.subscribe(
      topic,
      async ({ data }) => {
        got.push(data)
        await deleted
        fail()
      },
      once,
    )
    await queue.publish(topic, 'only')
    await eventually(() => got.length === 1, 'the run')
    // Nothing is published after that, so only the dead letter itself can find out that its queue is missing.
    await onRaw(server.url, (channel) => channel.deleteQueue(names.dead(refOf(topic))))
    end()
    await eventually(async () => (await queue.stats(topic)).dead === 1, 'the dead letter')
    expect((await queue.deadLetters(topic).list())[0]?.data).toBe('only')
    expect(got).toEqual(['only'])
  })
})

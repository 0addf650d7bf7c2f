import { brokers, type RabbitServer, shared } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { namespaceFor } from '../src/topology/names.js'
import { eventually, freshTopic, open } from './support/open.js'
import { onRaw } from './support/raw.js'

const names = namespaceFor('mq')
const refOf = (topic: string) => ({ topic, group: 'workers' })
const fail = (): never => {
  throw new Error('broken')
}
const once = { retry: { attempts: 1 } }

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
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    await queue.declareGroup(topic, 'other')
    const failing = await queue.subscribe(topic, fail, { ...once, concurrency: 100 })
    await queue.publishAll(
      topic,
      Array.from({ length: 300 }, (_, number) => number),
    )
    await eventually(async () => (await queue.stats(topic)).dead === 300, '300 dead letters')
    await failing.stop()
    expect(await queue.deadLetters(topic).replay()).toEqual({ replayed: 300 })
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
    await queue.subscribe(
      topic,
      ({ data }) => {
        got.push(data)
        if (data === 'second') fail()
      },
      once,
    )
    // Declares everything that publishing needs, so the second publish declares nothing.
    await queue.publish(topic, 'first')
    await eventually(() => got.length === 1, 'the first message')
    await onRaw(server.url, (channel) => channel.deleteQueue(names.dead(refOf(topic))))
    await queue.publish(topic, 'second')
    await eventually(async () => (await queue.deadLetters(topic).list()).length === 1, 'the dead letter')
    expect((await queue.deadLetters(topic).list())[0]?.data).toBe('second')
    expect(got).toEqual(['first', 'second'])
  })
})

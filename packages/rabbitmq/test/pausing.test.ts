import { randomUUID } from 'node:crypto'
import type { Queue } from '@mq/core'
import { brokers, shared } from '@mq/test-brokers'
import { connect } from 'amqplib'
import { beforeAll, describe, expect, it } from 'vitest'
import { namespaceFor } from '../src/topology/names.js'
import { eventually, freshTopic, open, pause } from './support/open.js'
import { onRaw } from './support/raw.js'

describe.skipIf(!brokers.wanted('rabbitmq'))('a paused group', () => {
  let url: string
  beforeAll(async () => {
    url = (await shared('rabbitmq')).url
  })

  /** Marks of its own, so that no other test reads or changes them. */
  const ownPrefix = (): string => `p${randomUUID().slice(0, 8)}`

  const statusOf = (queue: Queue): string | undefined => queue.health().consumers[0]?.status

  it.each([false, true])(
    'that is resumed while a handler runs goes on at once, and runs no more than concurrency allows, ordered: %s',
    async (ordered) => {
      const [queue, elsewhere, topic] = [await open({ url }), await open({ url }), freshTopic()]
      const started: string[] = []
      const gates: (() => void)[] = []
      const handler = async ({ id }: { readonly id: string }): Promise<void> => {
        started.push(id)
        await new Promise<void>((resolve) => gates.push(resolve))
      }
      await queue.subscribe(topic, handler, { ordered, concurrency: 2 })
      await elsewhere.publish(topic, 0, { id: 'first', key: 'a' })
      await eventually(() => started.length === 1, 'the first handler to run')
      await elsewhere.pauseGroup(topic, 'workers')
      await eventually(() => statusOf(queue) === 'paused', 'the pause')
      for (const key of ['b', 'c', 'd']) await elsewhere.publish(topic, 1, { id: key, key })
      await elsewhere.resumeGroup(topic, 'workers')
      await eventually(() => started.length === 2, 'a second handler beside the first')
      expect(statusOf(queue)).toBe('consuming')
      expect(started[0]).toBe('first')
      while (gates.length > 0 || started.length < 4) {
        gates.shift()?.()
        await eventually(() => gates.length > 0 || started.length === 4, 'the next')
      }
      expect([...started].sort()).toEqual(['b', 'c', 'd', 'first'])
    },
  )

  it('counts no attempt, however often it is paused under load', async () => {
    const [queue, elsewhere, topic] = [await open({ url }), await open({ url }), freshTopic()]
    const attempts = new Map<string, number>()
    const handler = async ({ id, attempt }: { readonly id: string; readonly attempt: number }): Promise<void> => {
      attempts.set(id, attempt)
      await pause(5)
    }
    for (const one of [queue, elsewhere]) await one.subscribe(topic, handler, { concurrency: 4 })
    const count = 2_000
    const sending = elsewhere.publishAll(
      topic,
      Array.from({ length: count }, (_, n) => n),
    )
    for (let times = 0; times < 4; times++) {
      await elsewhere.pauseGroup(topic, 'workers')
      await eventually(() => [queue, elsewhere].every((one) => statusOf(one) === 'paused'), 'the pause')
      await eventually(async () => (await queue.stats(topic)).ready === count - attempts.size, 'all to be given back')
      await elsewhere.resumeGroup(topic, 'workers')
      const before = attempts.size
      await eventually(() => attempts.size > before || attempts.size === count, 'more to be handled')
      await sending
    }
    await eventually(() => attempts.size === count, 'all to be handled', 30_000)
    expect([...attempts].filter(([, attempt]) => attempt > 1)).toEqual([])
  })

  it('takes nothing when it starts, not even for a moment', async () => {
    const [elsewhere, topic] = [await open({ url }), freshTopic()]
    await elsewhere.declareGroup(topic, 'workers')
    await elsewhere.pauseGroup(topic, 'workers')
    await elsewhere.publish(topic, 1)
    const consumed: string[] = []
    const queue = await open({
      url,
      async createClient(address, socketOptions) {
        const connection = await connect(address, socketOptions)
        const createChannel = connection.createChannel.bind(connection)
        connection.createChannel = async () => {
          const channel = await createChannel()
          const consume = channel.consume.bind(channel)
          channel.consume = (name, ...others) => {
            consumed.push(name)
            return consume(name, ...others)
          }
          return channel
        }
        return connection
      },
    })
    await queue.subscribe(topic, () => {})
    expect(statusOf(queue)).toBe('paused')
    const { group } = namespaceFor('mq')
    expect(consumed.filter((name) => name === group({ topic, group: 'workers' }))).toEqual([])
    await elsewhere.resumeGroup(topic, 'workers')
    await eventually(async () => (await queue.stats(topic)).ready === 0, 'the message to be taken')
    expect(consumed).toContain(group({ topic, group: 'workers' }))
  })

  it('is noticed by a process that was not told, because the one that has paused it died before', async () => {
    const prefix = ownPrefix()
    const names = namespaceFor(prefix)
    const [queue, topic] = [await open({ url, prefix }), freshTopic()]
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    const mark = { topic, group: 'workers', since: 1_000, by: 'a program that died' }
    await onRaw(url, async (channel) => {
      channel.sendToQueue(names.paused, Buffer.from(JSON.stringify(mark)), { persistent: true })
      await channel.waitForConfirms()
    })
    await eventually(() => statusOf(queue) === 'paused', 'the pause')
    expect((await queue.stats(topic)).paused).toEqual({ since: 1_000, by: 'a program that died' })
    await queue.publish(topic, 1)
    await queue.resumeGroup(topic, 'workers')
    await eventually(() => seen.length === 1, 'the message')
  })

  it('stays paused however often its mark is read, and what others write beside it does no harm', async () => {
    const prefix = ownPrefix()
    const names = namespaceFor(prefix)
    const [queue, topic] = [await open({ url, prefix }), freshTopic()]
    await queue.declareGroup(topic, 'workers')
    await queue.pauseGroup(topic, 'workers', { by: 'Ada' })
    await onRaw(url, async (channel) => {
      for (const text of ['nonsense', '[]', '{"topic":"t"}', '{"topic":"t","group":"g","since":"soon","by":"x"}'])
        channel.sendToQueue(names.paused, Buffer.from(text))
      await channel.waitForConfirms()
    })
    for (let times = 0; times < 8; times++) {
      const reader = await open({ url, prefix })
      expect((await reader.stats(topic)).paused?.by).toBe('Ada')
      await reader.disconnect()
    }
    const counts = await onRaw(url, async (channel) => {
      const found: unknown[] = []
      for (;;) {
        const message = await channel.get(names.paused)
        if (message === false) return found
        if (message.content.includes('Ada')) found.push(message.properties.headers?.['x-delivery-count'] ?? 0)
      }
    })
    // A policy may set a delivery limit, above which the broker drops a message.
    expect(counts).toHaveLength(1)
    expect(Number(counts[0])).toBeLessThanOrEqual(4)
  })

  it('that is deleted at the same time leaves no mark for the next group of its name', async () => {
    const prefix = ownPrefix()
    const [queue, elsewhere, topic] = [await open({ url, prefix }), await open({ url, prefix }), freshTopic()]
    for (let times = 0; times < 3; times++) {
      await queue.declareGroup(topic, 'workers')
      const [paused] = await Promise.allSettled([
        queue.pauseGroup(topic, 'workers'),
        elsewhere.deleteGroup(topic, 'workers'),
      ])
      if (paused.status === 'rejected') expect(paused.reason).toMatchObject({ code: 'MQ_GROUP_MISSING' })
      await queue.declareGroup(topic, 'workers')
      expect((await queue.stats(topic)).paused).toBe(undefined)
    }
  })

  it('is noticed by a process that is not told because the exchange for that was deleted', async () => {
    const prefix = ownPrefix()
    const [queue, elsewhere, topic] = [await open({ url, prefix }), await open({ url, prefix }), freshTopic()]
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await onRaw(url, (channel) => channel.deleteExchange(namespaceFor(prefix).signals))
    await elsewhere.pauseGroup(topic, 'workers')
    await eventually(() => statusOf(queue) === 'paused', 'the pause')
    await elsewhere.publish(topic, 1)
    await elsewhere.resumeGroup(topic, 'workers')
    await eventually(() => seen.length === 1, 'the message')
  })
})

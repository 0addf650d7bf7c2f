import { randomUUID } from 'node:crypto'
import { defineForeignTopic, type ForeignPlace, type MqError, type Queue } from '@mq/core'
import { brokers, shared, until } from '@mq/test-brokers'
import type { ConfirmChannel, Options } from 'amqplib'
import { describe, expect, it } from 'vitest'
import { namespaceFor } from '../../src/topology/names.js'
import { freshTopic, open } from '../support/open.js'
import { onRaw } from '../support/raw.js'

const names = namespaceFor('mq')
const connected = async (): Promise<Queue> => open({ url: (await shared('rabbitmq')).url }, { group: 'g' })
const newName = (): string => `legacy--queue ${randomUUID()}`

const raw = async <T>(work: (channel: ConfirmChannel) => Promise<T>): Promise<T> =>
  onRaw((await shared('rabbitmq')).url, work)

/** Declares again exactly what the owner has declared, which fails if anything has changed. Returns how many messages wait. */
const countOf = (queue: string, options: Options.AssertQueue): Promise<number> =>
  raw(async (channel) => (await channel.assertQueue(queue, options)).messageCount)

const send = (queue: string, texts: readonly string[]): Promise<void> =>
  raw(async (channel) => {
    for (const text of texts) channel.sendToQueue(queue, Buffer.from(text), { contentType: 'text/plain' })
    await channel.waitForConfirms()
  })

const isThere = (queue: string): Promise<boolean> =>
  raw(async (channel) => {
    await channel.checkQueue(queue)
    return true
  }).catch(() => false)

const kinds: readonly (readonly [string, Options.AssertQueue])[] = [
  ['classic', { durable: true, arguments: { 'x-message-ttl': 600_000, 'x-max-length': 1_000 } }],
  ['quorum', { durable: true, arguments: { 'x-queue-type': 'quorum' } }],
]

describe.skipIf(!brokers.wanted('rabbitmq'))('queues of other programs', () => {
  it.each(kinds)('are consumed as they are, and stay when their group is deleted: a %s one', async (_, options) => {
    const queue = await connected()
    const name = newName()
    await raw((channel) => channel.assertQueue(name, options))
    await send(name, ['before'])
    const legacy = defineForeignTopic(freshTopic(), { at: name })
    const runs: unknown[] = []
    const subscription = await queue.subscribe(
      legacy,
      ({ data, attempt }) => {
        runs.push(`${data}/${attempt}`)
        if (data === 'dies') throw new Error('broken')
      },
      { retry: { attempts: 2, delayMs: 10 } },
    )
    await send(name, ['dies', 'after'])
    await until(async () => (await queue.stats(legacy)).dead === 1, { what: 'the dead letter' })
    await until(() => runs.length === 4, { what: 'all runs' })
    expect(runs.sort()).toEqual(['after/1', 'before/1', 'dies/1', 'dies/2'])
    await subscription.stop()
    await send(name, ['waiting'])
    await until(async () => (await queue.stats(legacy)).ready === 1, { what: 'the message to count' })
    await queue.deleteGroup(legacy, 'g')
    expect(await countOf(name, options)).toBe(1)
    const ref = { topic: legacy.name, group: 'g' }
    expect([await isThere(names.group(ref)), await isThere(names.dead(ref))]).toEqual([false, false])
  })

  it('have one group, which any process knows', async () => {
    const [one, other] = [await connected(), await connected()]
    const name = newName()
    await raw((channel) => channel.assertQueue(name, { durable: true }))
    const legacy = defineForeignTopic(freshTopic(), { at: name })
    await (await one.subscribe(legacy, () => {})).stop()
    await (await other.subscribe(legacy, () => {})).stop()
    const refused: MqError = await other.subscribe(legacy, () => {}, { group: 'second' }).catch((error) => error)
    expect([refused.code, refused.message]).toEqual([
      'MQ_NOT_SUPPORTED',
      expect.stringContaining(`The queue '${name}' has a group already`),
    ])
    expect(await isThere(names.group({ topic: legacy.name, group: 'second' }))).toBe(false)
    // Deleting a group that does not read the queue changes nothing.
    await other.deleteGroup(legacy, 'second')
    await expect(other.declareGroup(legacy, 'second')).rejects.toMatchObject({ code: 'MQ_NOT_SUPPORTED' })
    await one.deleteGroup(legacy, 'g')
    await other.declareGroup(legacy, 'second')
  })

  it('get back what a stop leaves, so that their owner can go on', async () => {
    const queue = await connected()
    const name = newName()
    const options = { durable: true }
    await raw((channel) => channel.assertQueue(name, options))
    const legacy = defineForeignTopic(freshTopic(), { at: name })
    let running = 0
    const subscription = await queue.subscribe(
      legacy,
      (_, { signal }) => {
        running += 1
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
      { concurrency: 2 },
    )
    await send(name, ['a', 'b', 'c', 'd'])
    await until(() => running === 2, { what: 'two runs' })
    await subscription.stop({ timeoutMs: 0 })
    await until(async () => (await countOf(name, options)) === 4, { what: 'all four to be back' })
    expect(running).toBe(2)
  })

  it('are reported and awaited if their owner deletes them', async () => {
    const queue = await connected()
    const name = newName()
    const events: string[] = []
    queue.on('data-loss', ({ reason }) => events.push(reason))
    queue.on('error', ({ error }) => events.push(error.code))
    await raw((channel) => channel.assertQueue(name, { durable: true }))
    const legacy = defineForeignTopic(freshTopic(), { at: name, decode: 'text' })
    const seen: unknown[] = []
    await queue.subscribe(legacy, ({ data }) => void seen.push(data))
    await raw((channel) => channel.deleteQueue(name))
    await until(() => events.includes('MQ_TOPIC_MISSING'), { what: 'the error' })
    expect(events[0]).toBe(`the queue '${name}' was deleted under its consumer`)
    expect(await isThere(name)).toBe(false)
    await raw((channel) => channel.assertQueue(name, { durable: true }))
    await send(name, ['anew'])
    await until(() => seen.length === 1, { what: 'the new message' })
    expect(seen).toEqual(['anew'])
  })

  it('are reported if they are streams', async () => {
    const queue = await connected()
    const name = newName()
    const errors: string[] = []
    queue.on('error', ({ error }) => errors.push(`${error.code}: ${error.message}`))
    await raw((channel) => channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'stream' } }))
    let handled = 0
    await queue.subscribe(defineForeignTopic(freshTopic(), { at: name }), () => void handled++)
    await send(name, ['one', 'two'])
    await until(() => handled === 2, { what: 'both messages' })
    expect(errors).toEqual([expect.stringContaining(`MQ_NOT_SUPPORTED: The queue '${name}' is a stream`)])
  })

  it('refuse what they cannot keep', async () => {
    const queue = await connected()
    const name = newName()
    await raw((channel) => channel.assertQueue(name, { durable: true }))
    const legacy = defineForeignTopic(freshTopic(), { at: name })
    const { orderedKeys, countsCrashes } = queue.capabilitiesOf(legacy)
    expect({ orderedKeys, countsCrashes }).toEqual({ orderedKeys: false, countsCrashes: false })
    for (const options of [{ ordered: true }, { ephemeral: true }, { startFrom: 'earliest' }] as const) {
      await expect(queue.subscribe(legacy, () => {}, options)).rejects.toMatchObject({ code: 'MQ_NOT_SUPPORTED' })
    }
  })
})

describe.skipIf(!brokers.wanted('rabbitmq'))('exchanges of other programs', () => {
  it('give every group its own queue, with what its routing key matches', async () => {
    const queue = await connected()
    const exchange = newName()
    await raw((channel) => channel.assertExchange(exchange, 'topic', { durable: true, autoDelete: false }))
    const orders = defineForeignTopic(freshTopic(), { at: { exchange, routingKey: 'order.*' }, decode: 'text' })
    const seen: string[] = []
    const subscribe = (group: string, options: object) =>
      queue.subscribe(orders, ({ data }) => void seen.push(`${group}: ${data}`), options)
    await subscribe('a', { group: 'a' })
    await subscribe('b', { group: 'b', ordered: true })
    await subscribe('all', { ephemeral: true })
    await raw(async (channel) => {
      channel.publish(exchange, 'order.paid', Buffer.from('paid'))
      channel.publish(exchange, 'user.created', Buffer.from('created'))
      channel.publish(exchange, 'order.paid.eu', Buffer.from('paid.eu'))
      await channel.waitForConfirms()
    })
    await until(() => seen.length === 3, { what: 'one message each' })
    expect(seen.sort()).toEqual(['a: paid', 'all: paid', 'b: paid'])
    await queue.deleteGroup(orders, 'a')
    await raw((channel) => channel.checkExchange(exchange))
  })

  it.each([
    ['The queue', (name: string): ForeignPlace => name],
    ['The exchange', (exchange: string): ForeignPlace => ({ exchange, routingKey: '#' })],
  ])('%s that does not exist is refused, and nothing is created', async (what, placeOf) => {
    const queue = await connected()
    const name = newName()
    const topic = defineForeignTopic(freshTopic(), { at: placeOf(name) })
    const error: MqError = await queue.subscribe(topic, () => {}).catch((failure) => failure)
    expect([error.code, error.message]).toEqual(['MQ_TOPIC_MISSING', `${what} '${name}' does not exist at RabbitMQ`])
    expect(await isThere(names.group({ topic: topic.name, group: 'g' }))).toBe(false)
    expect(await isThere(name)).toBe(false)
  })

  it('and queues have names of at most 255 bytes, and no other broker has them', async () => {
    const queue = await connected()
    const long = 'x'.repeat(256)
    for (const at of [long, { exchange: long, routingKey: '' }, { exchange: 'x', routingKey: long }]) {
      const read = () => queue.capabilitiesOf(defineForeignTopic(freshTopic(), { at }))
      expect(read).toThrow(expect.objectContaining({ code: 'MQ_INVALID_NAME' }))
    }
    const stream = defineForeignTopic(freshTopic(), { at: { stream: 'x', field: 'y' } })
    await expect(queue.subscribe(stream, () => {})).rejects.toMatchObject({ code: 'MQ_NOT_SUPPORTED' })
  })
})

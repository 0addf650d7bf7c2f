import { brokers, type RabbitServer, shared } from '@mq/test-brokers'
import type { Channel } from 'amqplib'
import { beforeAll, describe, expect, it } from 'vitest'
import { namespaceFor } from '../src/topology/names.js'
import { eventually, freshTopic, open } from './support/open.js'
import { onRaw } from './support/raw.js'

const names = namespaceFor('mq')
const group = 'workers'
const digits = 26
const levels = 5

const keep = { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' }
const quorum = (channel: Channel, queue: string, others: object) =>
  channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum', ...others } })

/** Declares the delays as the first version does. */
async function declareFirstDelays(channel: Channel): Promise<void> {
  await channel.assertExchange(names.unrouted, 'fanout', { durable: true })
  await channel.assertExchange('mq--delay--due', 'topic', { durable: true, alternateExchange: names.unrouted })
  for (let level = 0; level < levels; level++) {
    const here = `mq--delay--0${level}`
    const below = level === 0 ? 'mq--delay--due' : `mq--delay--0${level - 1}`
    const before = '*.'.repeat(digits - 1 - level)
    await channel.assertExchange(here, 'topic', { durable: true })
    await quorum(channel, here, { 'x-message-ttl': 100 * 2 ** level, 'x-dead-letter-exchange': below, ...keep })
    await channel.bindQueue(here, here, `${before}1.#`)
    await channel.bindExchange(below, here, `${before}0.#`)
  }
}

/** Declares the delays, a topic and a group as the first version does. */
async function declareFirst(channel: Channel, topic: string): Promise<void> {
  const ref = { topic, group }
  const due = names.dueTopic(topic)
  await declareFirstDelays(channel)
  await channel.assertExchange(names.topic(topic), 'fanout', { durable: true })
  await channel.assertExchange(due, 'fanout', { durable: true, alternateExchange: names.unrouted })
  await channel.bindExchange(due, 'mq--delay--due', `#.${due.replaceAll('.', '/')}`)
  await quorum(channel, names.dead(ref), { 'x-delivery-limit': 1_000_000_000 })
  const toDead = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': names.dead(ref) }
  await quorum(channel, names.group(ref), { ...toDead, 'x-delivery-limit': 5_000, ...keep })
  await channel.bindQueue(names.group(ref), 'mq--delay--due', `#.${names.group(ref).replaceAll('.', '/')}`)
  await channel.bindQueue(names.group(ref), due, '')
  await channel.bindQueue(names.group(ref), names.topic(topic), '')
}

/** Delays a message as the first version does. */
function delayFirst(channel: Channel, delayMs: number, destination: string): void {
  const units = delayMs / 100
  const key = `${[...units.toString(2).padStart(digits, '0')].join('.')}.${destination.replaceAll('.', '/')}`
  const content = Buffer.from(JSON.stringify({ dueAt: Date.now() + delayMs, destination }))
  channel.publish(`mq--delay--0${Math.floor(Math.log2(units))}`, key, content, { persistent: true })
}

describe.skipIf(!brokers.wanted('rabbitmq'))('a process of the first version of the topology', () => {
  let server: RabbitServer
  beforeAll(async () => {
    server = await shared('rabbitmq')
  })

  it('leaves delayed messages and retries in its delay queues, which come out at their time to whoever consumes', async () => {
    const topic = freshTopic()
    const destinations = [names.dueTopic(topic), names.group({ topic, group })]
    await onRaw(server.url, async (channel) => {
      await declareFirst(channel, topic)
      for (const to of destinations) for (const delayMs of [300, 1_000, 2_100]) delayFirst(channel, delayMs, to)
      await channel.waitForConfirms()
    })
    const queue = await open({ url: server.url })
    const got: string[] = []
    const early: number[] = []
    await queue.subscribe(topic, ({ data }) => {
      const { dueAt, destination } = data as { dueAt: number; destination: string }
      got.push(destination)
      if (Date.now() < dueAt) early.push(dueAt - Date.now())
    })
    await eventually(() => got.length === 6, 'all of them')
    expect(got.sort()).toEqual(destinations.flatMap((name) => [name, name, name]).sort())
    expect(early).toEqual([])
  })

  it('shares a group with one of this version, and each gets what the other delays', async () => {
    const topic = freshTopic()
    const ref = { topic, group }
    const queue = await open({ url: server.url })
    await queue.declareGroup(topic, group)
    await onRaw(server.url, async (channel) => {
      await declareFirst(channel, topic)
      await channel.prefetch(1)
      const theirs: string[] = []
      await channel.consume(names.group(ref), (message) => {
        if (message === null) return
        theirs.push(message.content.toString())
        channel.ack(message)
      })
      await queue.publish(topic, 'ours', { delayMs: 300 })
      await eventually(() => theirs.includes('"ours"'), 'the message of this version')
    })
    const runs: string[] = []
    const retry = { attempts: 2, backoff: 'fixed', delayMs: 300, jitter: 'none' } as const
    await queue.subscribe(
      topic,
      ({ data, attempt }) => {
        runs.push(`${(data as { destination: string }).destination} ${attempt}`)
        if (attempt === 1) throw new Error('again')
      },
      { retry },
    )
    const due = names.dueTopic(topic)
    await onRaw(server.url, async (channel) => {
      delayFirst(channel, 300, due)
      await channel.waitForConfirms()
    })
    await eventually(() => runs.length === 2, 'the message of the first version and its retry')
    expect(runs).toEqual([`${due} 1`, `${due} 2`])
  })

  it('delays messages and retries for a group that only this version has declared', async () => {
    const topic = freshTopic()
    const destinations = [names.dueTopic(topic), names.group({ topic, group })]
    const queue = await open({ url: server.url })
    await queue.declareGroup(topic, group)
    await onRaw(server.url, async (channel) => {
      await declareFirstDelays(channel)
      for (const to of destinations) delayFirst(channel, 300, to)
      await channel.waitForConfirms()
    })
    const got: string[] = []
    await queue.subscribe(topic, ({ data }) => void got.push((data as { destination: string }).destination))
    await eventually(() => got.length === 2, 'both of them')
    expect(got.sort()).toEqual(destinations.sort())
  })

  it('gets what this version delays even if only it has declared the group', async () => {
    const topic = freshTopic()
    const queue = await open({ url: server.url })
    await onRaw(server.url, async (channel) => {
      await declareFirst(channel, topic)
      await queue.publish(topic, 'ours', { delayMs: 200 })
      await eventually(
        async () => (await channel.checkQueue(names.group({ topic, group }))).messageCount === 1,
        'the message',
      )
    })
  })
})

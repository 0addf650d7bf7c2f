import { randomUUID } from 'node:crypto'
import { brokers, type RabbitServer, shared } from '@mq/test-brokers'
import { connect } from 'amqplib'
import { beforeAll, describe, expect, it } from 'vitest'
import { createOutbox } from '../src/publish/outbox.js'
import type { Letter } from '../src/publish/parcel.js'
import { createDeclarations } from '../src/topology/declarations.js'
import { type DelayStep, delayRoute, digits, maxDelayMs, stepMs, valuePattern } from '../src/topology/delays.js'
import { namespaceFor } from '../src/topology/names.js'
import { eventually, freshTopic, open } from './support/open.js'
import { onRaw } from './support/raw.js'

describe('the route of a delay', () => {
  const sumOf = (routingKey: string): number =>
    routingKey
      .split('.')
      .slice(0, digits)
      .reduce((sum, value, index) => {
        return sum + stepMs({ lane: 'calm', digit: digits - 1 - index, value: Number(value) })
      }, 0)

  it('adds up to the delay, rounded up to 100 ms, and has the queues of its path, the longest first', () => {
    for (const delayMs of [1, 99, 100, 101, 6_400, 12_345, 3_600_000, 7 * 86_400_000, maxDelayMs - 1, maxDelayMs]) {
      const { path, routingKey } = delayRoute(delayMs, 'mq--group--a.b--c', 'bulk')
      expect(sumOf(routingKey)).toBe(Math.ceil(delayMs / 100) * 100)
      expect(path.reduce((sum, step) => sum + stepMs(step), 0)).toBe(sumOf(routingKey))
      expect(path.map(({ digit }) => digit)).toEqual([...new Set(path.map(({ digit }) => digit))].sort().reverse())
      expect(path.every(({ lane, value }) => lane === 'bulk' && value > 0)).toBe(true)
    }
  })

  it('has one queue up to 6.3 s, two up to 102 s, and six up to 38 days', () => {
    const hops = (delayMs: number): number => delayRoute(delayMs, 'any', 'calm').path.length
    expect([100, 6_300, 6_301, 9_500, 102_300, 102_400, (2 ** 25 - 1) * 100].map(hops)).toEqual([1, 1, 1, 2, 2, 1, 6])
    expect(hops(maxDelayMs)).toBe(7)
  })

  it('fits a routing key with the longest possible name, as one word', () => {
    const { routingKey } = delayRoute(maxDelayMs, `${'x'.repeat(100)}.${'y'.repeat(99)}`, 'calm')
    expect(routingKey.length).toBe(219)
    expect(routingKey.split('.')).toHaveLength(digits + 1)
  })

  it('can be weeks, with times to live that the broker accepts', () => {
    expect(maxDelayMs).toBeGreaterThan(8 * 7 * 86_400_000)
    for (const step of delayRoute(maxDelayMs, 'any', 'calm').path) expect(stepMs(step)).toBeLessThan(2 ** 32)
    expect(valuePattern(digits - 1, 1)).toBe('1.#')
  })
})

describe.skipIf(!brokers.wanted('rabbitmq'))('delaying', () => {
  let server: RabbitServer
  beforeAll(async () => {
    server = await shared('rabbitmq')
  })

  it('shorter delays overtake longer ones, and no message is early', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const early: number[] = []
    const order: number[] = []
    await queue.subscribe(
      topic,
      ({ data }) => {
        const { dueAt, delayMs } = data as { dueAt: number; delayMs: number }
        if (Date.now() < dueAt) early.push(dueAt - Date.now())
        order.push(delayMs)
      },
      { concurrency: 100 },
    )
    const delays = [3_200, 1_600, 800, 100, 2_500, 300, 700, 1_100, 200]
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        delays.map((delayMs) => queue.publish(topic, { delayMs, dueAt: Date.now() + delayMs }, { delayMs })),
      )
    }
    await eventually(() => order.length === 90, 'all of them')
    expect(early).toEqual([])
    expect(order.indexOf(100)).toBeLessThan(order.indexOf(3_200))
  })

  it('a delayed message goes to the groups that exist when it is due', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    expect((await queue.publish(topic, 1, { delayMs: 1_000 })).routed).toBe('unknown')
    const got: string[] = []
    for (const group of ['one', 'two']) await queue.subscribe(topic, () => void got.push(group), { group })
    await eventually(() => got.length === 2, 'both groups')
  })

  it('delayed messages that no group takes hold up no others, and wait where an operator can see them', async () => {
    const queue = await open({ url: server.url, prefix: 'unrouted' })
    const topic = freshTopic()
    // The broker moves fewer than this at a time out of one delay queue.
    await queue.publishAll(
      'nobody.there',
      Array.from({ length: 100 }, (_, number) => number),
      { delayMs: 100 },
    )
    const got: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void got.push(data))
    await queue.publish(topic, 'behind', { delayMs: 200 })
    await eventually(() => got.length === 1, 'the message behind')
    const { unrouted } = namespaceFor('unrouted')
    await eventually(
      async () => (await onRaw(server.url, (channel) => channel.checkQueue(unrouted))).messageCount === 100,
      'the others in the queue for unrouted messages',
    )
  })

  it('a message passes the same delay queues again and again without the broker taking it for a cycle', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const attempts: number[] = []
    const retry = { attempts: 8, backoff: 'fixed', delayMs: 300, jitter: 'none' } as const
    await queue.subscribe(
      topic,
      ({ attempt }) => {
        attempts.push(attempt)
        throw new Error('again')
      },
      { retry },
    )
    await queue.publish(topic, 1, { delayMs: 300 })
    await eventually(() => attempts.length === 8, 'eight attempts')
    expect(attempts).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    await eventually(async () => (await queue.stats(topic)).dead === 1, 'the dead letter')
  })

  it('a delay queue or a binding of it that is gone is declared again by the next publish or retry that misses it', async () => {
    const queue = await open({ url: server.url, prefix: 'missing' })
    const names = namespaceFor('missing')
    const step: DelayStep = { lane: 'calm', digit: 0, value: 2 }
    const topic = freshTopic()
    const runs: unknown[] = []
    await queue.subscribe(
      topic,
      async ({ data, attempt }) => {
        runs.push([data, attempt])
        if (data !== 'retried' || attempt > 1) return
        await onRaw(server.url, (channel) => channel.deleteQueue(names.delay(step)))
        throw new Error('again')
      },
      { retry: { attempts: 2, backoff: 'fixed', delayMs: 200, jitter: 'none' } },
    )
    await queue.publish(topic, 'first', { delayMs: 200 })
    await eventually(() => runs.length === 1, 'the first message')
    await onRaw(server.url, (channel) => channel.deleteQueue(names.delay(step)))
    const results = await queue.publishAll(topic, ['second', 'third'], { delayMs: 200 })
    for (const { routed } of results) expect(routed).toBe('unknown')
    await eventually(() => runs.length === 3, 'the delayed messages')
    await onRaw(server.url, (channel) =>
      channel.unbindQueue(names.delay(step), names.delays('calm', 0), valuePattern(0, 2)),
    )
    await queue.publish(topic, 'fourth', { delayMs: 200 })
    await eventually(() => runs.length === 4, 'the message after the binding was gone')
    await queue.publish(topic, 'retried')
    await eventually(() => runs.length === 6, 'the retry')
    expect(runs.slice(3)).toEqual([
      ['fourth', 1],
      ['retried', 1],
      ['retried', 2],
    ])
  })

  it('a delayed message whose queue is missing again and again is refused', async () => {
    const exchange = `nowhere-${randomUUID()}`
    const connection = await connect(server.url)
    const channel = await connection.createChannel()
    await channel.assertExchange(exchange, 'topic', { autoDelete: true })
    const declarations = createDeclarations({ names: namespaceFor('mq'), queueArguments: {} })
    const outbox = createOutbox({ ...declarations, isReady: () => true }, () => undefined)
    outbox.onConnectionUp(connection)
    const letter: Letter = {
      exchange,
      routingKey: 'any',
      content: Buffer.from('1'),
      properties: { mandatory: true, messageId: 'one' },
      need: { delay: [{ lane: 'calm', digit: 0, value: 1 }] },
    }
    const { parcel, outcome } = outbox.sendOne(letter)
    expect(await outcome).toMatchObject({ status: 'rejected', error: { code: 'MQ_PUBLISH_REJECTED' } })
    expect(await outcome).toHaveProperty('error.message', expect.stringMatching(/the queue for its delay is missing/))
    expect(parcel?.isImpossible).toBe(false)
    await outbox.close(0)
    await channel.deleteExchange(exchange)
    await connection.close()
  })

  it('a delay longer than the longest is refused', async () => {
    const queue = await open({ url: server.url })
    const delayMs = maxDelayMs + 1
    await expect(queue.publish(freshTopic(), 1, { delayMs })).rejects.toMatchObject({ code: 'MQ_NOT_SUPPORTED' })
    expect((await queue.publish(freshTopic(), 1, { delayMs: maxDelayMs })).routed).toBe('unknown')
  })
})

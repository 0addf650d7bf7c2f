import { brokers, type RabbitServer, rabbitmq as startRabbit } from '@mq/test-brokers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasForgedDeaths } from '../src/consume/deaths.js'
import type { RabbitmqOptions } from '../src/index.js'
import { createRabbitmq } from '../src/rabbitmq.js'
import { type DelayStep, routeThrough, stepMs } from '../src/topology/delays.js'
import { namespaceFor } from '../src/topology/names.js'
import { forgedDeath, largeField, propertiesWith, publishBytes } from './support/frames.js'
import { eventually, freshTopic, open } from './support/open.js'
import { onRaw } from './support/raw.js'

/** Its watch over the delay queues looks often, so that no test waits for minutes. */
const watchful = (options: RabbitmqOptions) => createRabbitmq(options, { everyMs: 100, lateMs: 4_000 })

describe('a message whose x-death another program wrote', () => {
  const queue = 'mq--group--t--g'
  const forged = (deaths: unknown): boolean =>
    hasForgedDeaths({ properties: { headers: { 'x-death': deaths } } } as never, queue)

  it('counts as forged if the broker could not extend it', () => {
    const time = { '!': 'timestamp', value: 1 }
    const death = { queue: 'other', reason: 'expired', count: 1, exchange: 'e', 'routing-keys': ['k'], time }
    for (const deaths of [undefined, 'text', 1, {}, [], [death], [{}], [death, { ...death, queue: 'third' }]]) {
      expect(forged(deaths)).toBe(false)
    }
    const decimal = { '!': 'decimal', value: { digits: 1, places: 1 } }
    for (const value of ['a', 1, null, true, [], [death], Buffer.from('a'), time, decimal, { ...death, queue }]) {
      expect(forged([value])).toBe(true)
      expect(forged([death, value])).toBe(true)
    }
  })
})

describe.skipIf(!brokers.owned('rabbitmq'))('a broker that cannot dead-letter a message', () => {
  // Such a message stops the dead-lettering of a whole node.
  let server: RabbitServer
  const names = namespaceFor('mq')
  /** The queues of a delay of 300 ms and of 6.4 s. */
  const short: DelayStep = { lane: 'calm', digit: 0, value: 3 }
  const long: DelayStep = { lane: 'calm', digit: 1, value: 1 }
  beforeAll(async () => {
    server = await startRabbit()
  }, 120_000)
  afterAll(() => server?.stop())

  it('is not asked to by a group: a message with a forged x-death and headers beyond a frame dies, and delays go on', async () => {
    const queue = await open({ url: server.url }, {}, watchful)
    const topic = freshTopic()
    const got: unknown[] = []
    await queue.subscribe(
      topic,
      ({ data }) => {
        if (data === 'hostile') throw new Error('cannot be handled')
        got.push(data)
      },
      { retry: { attempts: 3, backoff: 'fixed', delayMs: 100, jitter: 'none' } },
    )
    queue.on('error', () => undefined)
    await onRaw(server.url, async (channel) => {
      const properties = propertiesWith(Buffer.concat([forgedDeath(), largeField(70_000)]), 'hostile')
      const to = { exchange: names.topic(topic), routingKey: '' }
      publishBytes(channel, to, { properties, content: Buffer.from('"hostile"') })
      await channel.checkQueue(names.dead({ topic, group: 'workers' }))
    })
    await eventually(async () => (await queue.stats(topic)).dead === 1, 'the dead letter')
    await queue.publish(topic, 'ours', { delayMs: 100 })
    await eventually(() => got.length === 1, 'the delayed message')
  })

  /** Subscribes, and waits until a delayed message has arrived. */
  async function delaying(step: DelayStep) {
    const delayMs = stepMs(step)
    const queue = await open({ url: server.url }, {}, watchful)
    const topic = freshTopic()
    const got: unknown[] = []
    const errors: string[] = []
    queue.on('error', ({ error }) => void errors.push(error.message))
    await queue.subscribe(topic, ({ data }) => void got.push(data))
    await queue.publish(topic, 'before', { delayMs })
    await eventually(() => got.length === 1, 'the delayed message')
    await eventually(() => queue.health().status === 'up', 'the probes')
    const isNoticed = (): boolean => errors.some((text) => text.includes(`nothing has left ${names.delay(step)}`))
    const noticed = () => eventually(isNoticed, 'the error', 60_000)
    async function goesOn(): Promise<void> {
      await queue.publish(topic, 'after', { delayMs, timeoutMs: 60_000 })
      await eventually(() => got.includes('after'), 'the message after that', 60_000)
      await eventually(() => queue.health().status === 'up', 'the end of the standstill', 60_000)
    }
    return { queue, noticed, goesOn }
  }

  it('is noticed if messages that lead nowhere hold up a delay queue, and delays go on once it is deleted', async () => {
    const { queue, noticed, goesOn } = await delaying(long)
    await onRaw(server.url, async (channel) => {
      // More than the broker moves at a time. What leaves the lowest digit goes to the unrouted messages instead.
      for (let count = 0; count < 100; count++) channel.sendToQueue(names.delay(long), Buffer.from('1'))
      await channel.waitForConfirms()
    })
    await noticed()
    expect(queue.health()).toMatchObject({ status: 'degraded', lastError: { code: 'MQ_OPERATION_FAILED' } })
    await server.rabbitmqctl('delete_queue', names.delay(long))
    await goesOn()
  }, 180_000)

  it('is noticed if a forged x-death ends its worker, and delays go on after a restart without the queue', async ({
    skip,
  }) => {
    skip(!server.version?.startsWith('3.'), 'Brokers from 4.0 on take no harm.')
    const { queue, noticed, goesOn } = await delaying(short)
    await onRaw(server.url, async (channel) => {
      const { routingKey } = routeThrough(short, 'anywhere')
      channel.publish(names.delays('calm', 0), routingKey, Buffer.from('1'), { headers: { 'x-death': ['a'] } })
      await channel.waitForConfirms()
    })
    await noticed()
    expect(queue.health()).toMatchObject({ status: 'degraded', lastError: { code: 'MQ_OPERATION_FAILED' } })
    await server.rabbitmqctl('delete_queue', names.delay(short))
    // As an operator does it. A SIGKILL could bring back the queue without a leader, because its deletion is not on disk yet.
    await server.restart({ graceful: true })
    await goesOn()
  }, 180_000)
})

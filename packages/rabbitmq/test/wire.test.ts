import { brokers, type RabbitServer, shared } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { namespaceFor } from '../src/topology/names.js'
import { eventually, freshTopic, open } from './support/open.js'
import { onRaw, takeRaw } from './support/raw.js'

const names = namespaceFor('mq')
const fail = (): never => {
  throw new Error('broken')
}

describe.skipIf(!brokers.wanted('rabbitmq'))('on the wire', () => {
  let server: RabbitServer
  beforeAll(async () => {
    server = await shared('rabbitmq')
  })

  it('a message is a CloudEvent with the attribute names of the AMQP binding', async () => {
    const queue = await open({ url: server.url }, { source: '/shop' })
    const topic = freshTopic()
    await queue.declareGroup(topic, 'workers')
    await queue.publish(topic, { order: 7 }, { id: 'one', key: 'customer-3', headers: { Tenant: 'grün' } })
    const message = await takeRaw(server.url, names.group({ topic, group: 'workers' }))
    if (message === false) throw new Error('No message')
    const { headers, ...properties } = message.properties
    // Brokers before 4.0 count the first delivery, too.
    const { 'x-delivery-count': deliveries = 0, ...sent } = headers ?? {}
    expect(deliveries).toBe(0)
    expect(properties).toMatchObject({ messageId: 'one', contentType: 'application/json', deliveryMode: 2 })
    expect(Math.abs(properties.timestamp - Date.now() / 1_000)).toBeLessThan(60)
    expect(sent).toEqual({
      'cloudEvents:specversion': '1.0',
      'cloudEvents:id': 'one',
      'cloudEvents:source': '/shop',
      'cloudEvents:type': topic,
      'cloudEvents:time': expect.stringMatching(/^\d{4}-.*Z$/),
      'cloudEvents:partitionkey': 'customer-3',
      Tenant: 'grün',
    })
    expect(JSON.parse(message.content.toString())).toEqual({ order: 7 })
  })

  it('a message of another program is delivered, and keeps its content through retries and the dead letters', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const trap = freshTopic()
    await queue.declareGroup(trap, 'workers')
    const trapQueue = names.group({ topic: trap, group: 'workers' })
    const got: { id: string; attempt: number; headers: object }[] = []
    await queue.subscribe(
      topic,
      ({ id, attempt, headers }) => {
        got.push({ id, attempt, headers: { ...headers } })
        return fail()
      },
      { retry: { attempts: 2, delayMs: 100 } },
    )
    await onRaw(server.url, async (channel) => {
      channel.publish(names.topic(topic), 'any.key', Buffer.from('{"a":1}'), {
        contentType: 'application/json',
        correlationId: 'c-1',
        priority: 3,
        userId: 'guest',
        headers: { number: 5, flag: true, text: 't', list: ['a'], 'x-death': 'mine', CC: [trapQueue] },
      })
      await channel.waitForConfirms()
    })
    const letters = queue.deadLetters(topic)
    await eventually(async () => (await letters.list()).length === 1, 'the dead letter')
    expect(got.map(({ attempt }) => attempt)).toEqual([1, 2])
    expect(got[1]?.id).not.toBe('')
    for (const { headers } of got) expect(headers).toEqual({ number: '5', flag: 'true', text: 't' })
    // With CC, the copy would have gone to that queue, too. The topic's own exchange ignores CC.
    expect((await queue.stats(trap)).ready).toBe(0)
    const message = await takeRaw(server.url, names.dead({ topic, group: 'workers' }))
    if (message === false) throw new Error('No message')
    expect(message.properties).toMatchObject({ correlationId: 'c-1', priority: 3, messageId: got[1]?.id })
    expect(message.properties.headers).toMatchObject({ number: 5, flag: true, list: ['a'] })
    expect(message.content.toString()).toBe('{"a":1}')
  })

  it('attributes in the form with an underscore are read too, and a version that is not 1.x is a dead letter', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const got: unknown[] = []
    await queue.subscribe(topic, ({ id, source, type, key, extensions }) => {
      got.push({ id, source, type, key, extensions: { ...extensions } })
    })
    await onRaw(server.url, async (channel) => {
      const headers = {
        cloudEvents_specversion: '1.0',
        cloudEvents_id: 'x',
        cloudEvents_source: '/py',
        cloudEvents_type: 'made',
        cloudEvents_partitionkey: 'k',
        cloudEvents_traceparent: '00-1',
      }
      channel.publish(names.topic(topic), '', Buffer.from('1'), { headers })
      channel.publish(names.topic(topic), '', Buffer.from('2'), { headers: { 'cloudEvents:specversion': '7.0' } })
      await channel.waitForConfirms()
    })
    await eventually(() => got.length === 1, 'the first')
    expect(got).toEqual([{ id: 'x', source: '/py', type: 'made', key: 'k', extensions: { traceparent: '00-1' } }])
    const letters = queue.deadLetters(topic)
    await eventually(async () => (await letters.list()).length === 1, 'the dead letter')
    expect(await letters.list()).toMatchObject([{ failure: { reason: 'undecodable' } }])
  })

  it('a time in the types of AMQP is the time of the message, and an invalid one is ignored', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const got: [string, string][] = []
    await queue.subscribe(topic, ({ id, time }) => void got.push([id, time.toISOString()]))
    const ms = Date.parse('2026-01-02T03:04:05.678Z')
    const timestamp = Math.floor(ms / 1_000) + 60
    await onRaw(server.url, async (channel) => {
      const times = {
        long: { 'cloudEvents:time': ms },
        native: { cloudEvents_time: { '!': 'timestamp', value: Math.floor(ms / 1_000) } },
        text: { 'cloudEvents:time': '2026-01-02T04:04:05.678+01:00' },
        beyond: { 'cloudEvents:time': 9e15 },
        flag: { 'cloudEvents:time': true },
        table: {
          'cloudEvents:time': { '!': 'object', value: { '!': 'timestamp', value: { valueOf: 1, toString: 1 } } },
        },
      }
      for (const [messageId, headers] of Object.entries(times)) {
        channel.publish(names.topic(topic), '', Buffer.from('1'), { headers, messageId, timestamp })
      }
      await channel.waitForConfirms()
    })
    await eventually(() => got.length === 6, 'all six')
    expect(Object.fromEntries(got)).toEqual({
      long: '2026-01-02T03:04:05.678Z',
      native: '2026-01-02T03:04:05.000Z',
      text: '2026-01-02T03:04:05.678Z',
      beyond: '2026-01-02T03:05:05.000Z',
      flag: '2026-01-02T03:05:05.000Z',
      table: '2026-01-02T03:05:05.000Z',
    })
  })

  it('a message whose headers exceed a frame once copied is dead-lettered by the broker, unchanged', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    await queue.subscribe(topic, fail, { retry: { attempts: 3, delayMs: 100 } })
    await onRaw(server.url, async (channel) => {
      channel.publish(names.topic(topic), '', Buffer.from('1'), { headers: { large: 'x'.repeat(65_400) } })
      await channel.waitForConfirms()
    })
    const letters = queue.deadLetters(topic)
    await eventually(async () => (await letters.list()).length === 1, 'the dead letter')
    expect((await letters.list())[0]?.message.headers.large).toHaveLength(65_400)
  })
})

import { randomUUID } from 'node:crypto'
import { type Message, Unrecoverable } from '@mq/core'
import { brokers, shared, until } from '@mq/test-brokers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newTopic, open } from './support/open.js'
import { outsideClient, withProducer } from './support/outside.js'

/** Reads the records of a topic as another program does. */
async function recordsOf(topic: string, count: number) {
  const consumer = outsideClient(await shared('kafka')).consumer({ groupId: randomUUID(), sessionTimeout: 6_000 })
  onTestFinished(() => consumer.disconnect())
  const found: { key: string; value: string | null; headers: string[] }[] = []
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message: { key, value, headers = {} } }) => {
      found.push({ key: String(key), value: value === null ? null : String(value), headers: Object.keys(headers) })
    },
  })
  await until(() => found.length >= count, { what: `${count} records of ${topic}`, timeoutMs: 30_000 })
  return found
}

describe.skipIf(!brokers.wanted('kafka'))('a tombstone', () => {
  it('is a null value in a compacted topic, and a header in the retry topic', async () => {
    const { queue } = await open({ partitions: 1, topicConfig: { 'cleanup.policy': 'compact' } })
    const topic = newTopic()
    const seen: Message[] = []
    await queue.subscribe(topic, (message) => {
      seen.push(message)
      if (message.attempt === 1) throw new Error('once')
    })
    await queue.publishTombstone(topic, 'user-1', { headers: { tenant: 'acme' } })
    await until(() => seen.length === 2, { what: 'both attempts' })
    expect(seen.map(({ data, tombstone, key, attempt }) => ({ data, tombstone, key, attempt }))).toEqual(
      [1, 2].map((attempt) => ({ data: null, tombstone: true, key: 'user-1', attempt })),
    )
    const [published] = await recordsOf(topic, 1)
    expect(published).toMatchObject({
      key: 'user-1',
      value: null,
      headers: expect.arrayContaining(['ce_id', 'tenant']),
    })
    expect(published?.headers).not.toContain('ce_tombstone')
    const [retried] = await recordsOf(`${topic}--g---retry`, 1)
    expect(retried).toMatchObject({ key: 'user-1', value: '', headers: expect.arrayContaining(['ce_tombstone']) })
  })

  it('of another program arrives as one, with a key or without, and strikes out no dead letter', async () => {
    const { queue } = await open({ partitions: 1 })
    const topic = newTopic()
    let isBroken = true
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ key, data, tombstone }) => {
      if (isBroken) throw new Unrecoverable('on purpose')
      seen.push({ key, data, tombstone })
    })
    await withProducer(await shared('kafka'), (producer) =>
      producer.send({
        topic,
        messages: [{ key: 'user-1', value: null }, { value: null }, { key: 'user-2', value: '' }],
      }),
    )
    const letters = () => queue.deadLetters(topic, 'g').list()
    await until(async () => (await letters()).length === 3, { what: 'the dead letters', timeoutMs: 15_000 })
    expect((await letters()).map(({ data, tombstone }) => ({ data, tombstone }))).toEqual([
      { data: null, tombstone: true },
      { data: null, tombstone: true },
      { data: undefined, tombstone: false },
    ])
    isBroken = false
    await queue.deadLetters(topic, 'g').replay()
    await until(() => seen.length === 2, { what: 'the replay' })
    expect(seen).toEqual(['user-1', undefined].map((key) => ({ key, data: null, tombstone: true })))
  })

  it('that is published with a delay comes in its time', async () => {
    const { queue } = await open({ partitions: 1 })
    const topic = newTopic()
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ key, tombstone }) => void seen.push({ key, tombstone }))
    await queue.publishTombstone(topic, 'user-1', { delayMs: 700 })
    await until(() => seen.length === 1, { what: 'the tombstone' })
    expect(seen).toEqual([{ key: 'user-1', tombstone: true }])
  })
})

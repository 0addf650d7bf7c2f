import { setTimeout as sleep } from 'node:timers/promises'
import type { Message } from '@mq/core'
import { brokers, shared, until } from '@mq/test-brokers'
import { CompressionTypes, ConfigResourceTypes } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { Cluster } from '../src/driver/cluster.js'
import {
  commitOffsets,
  committedOffsets as committedProgress,
  withCoordinator,
  withoutMember,
} from '../src/driver/offsets.js'
import { tiersMs } from '../src/topology/tiers.js'
import { newTopic, open } from './support/open.js'
import { createTopics, outsideClient, publishWithSnappy, withAdmin, withProducer } from './support/outside.js'

const anyTimestamp = { 'message.timestamp.after.max.ms': String(2n ** 63n - 1n) }

describe.skipIf(!brokers.wanted('kafka'))('records of other programs', () => {
  it('are read with the partition key from the record’s key, and with their headers as text', async () => {
    const { queue } = await open()
    const topic = newTopic()
    const seen: Message[] = []
    await queue.subscribe(topic, (message) => void seen.push(message))
    const headers = { 'content-type': 'text/plain', trace: ['first', 'last'], binary: Buffer.from([0xff, 0xfe]) }
    await withProducer(await shared('kafka'), (producer) =>
      producer.send({ topic, messages: [{ key: 'k1', value: 'hello', headers }] }),
    )
    await until(() => seen.length === 1, { what: 'the record' })
    expect(seen[0]).toMatchObject({ key: 'k1', data: 'hello', topic, type: topic, source: '/unknown', attempt: 1 })
    expect({ ...seen[0]?.headers }).toEqual({ trace: 'last', binary: 'fffe' })
    expect(seen[0]?.id).toMatch(new RegExp(`^${topic}/\\d+/0$`))
  })

  it('keep their id on every attempt, and their bytes in the dead letters', async () => {
    const { queue } = await open()
    const topic = newTopic()
    const ids: string[] = []
    await queue.subscribe(topic, ({ id }) => {
      ids.push(id)
      throw new Error('no')
    })
    const body = Buffer.from([0, 1, 2, 255])
    await withProducer(await shared('kafka'), (producer) =>
      producer.send({ topic, messages: [{ value: body, headers: { 'content-type': 'application/octet-stream' } }] }),
    )
    const letters = () => queue.deadLetters(topic, 'g').list()
    await until(async () => (await letters()).length === 1, { what: 'the dead letter', timeoutMs: 10_000 })
    const [letter] = await letters()
    expect(new Set(ids).size).toBe(1)
    expect(ids).toHaveLength(3)
    expect(Buffer.from(letter?.message.body ?? [])).toEqual(body)
  })

  it('that are not messages become dead letters and hold up nothing', async () => {
    const { queue } = await open({ partitions: 1 })
    const topic = newTopic()
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await withProducer(await shared('kafka'), (producer) =>
      producer.send({
        topic,
        messages: [
          { value: Buffer.from([0xff]) },
          { value: '{' },
          { value: '1', headers: { ce_specversion: '7.0' } },
          { value: '{"fine":true}' },
        ],
      }),
    )
    await until(() => seen.length === 1, { what: 'the good one' })
    const letters = () => queue.deadLetters(topic, 'g').list()
    await until(async () => (await letters()).length === 3, { what: 'the others to be dead letters' })
    expect((await letters()).every(({ failure }) => failure.reason === 'undecodable')).toBe(true)
  })

  it.each([
    ['far in the past', '-9000000000000000'],
    ['far in the future', '1700000000000000000'],
  ])('with a timestamp %s that is no date are handled, retried and kept like others', async (_, timestamp) => {
    const { queue } = await open({ partitions: 1, topicConfig: anyTimestamp })
    const topic = newTopic()
    const seen: Message[] = []
    await queue.subscribe(topic, (message) => {
      seen.push(message)
      if (message.data !== 'fine') throw new Error('no')
    })
    const headers = { 'content-type': 'application/json' }
    await withProducer(await shared('kafka'), (producer) =>
      producer.send({
        topic,
        messages: [
          { value: '"fails"', headers, timestamp },
          { value: '1', headers: { ...headers, ce_specversion: '7.0' }, timestamp },
          { value: '"fine"', headers },
        ],
      }),
    )
    await until(() => seen.length === 4, { what: 'what was behind it, and the retries' })
    expect(seen.map(({ time }) => Number.isNaN(time.getTime()))).not.toContain(true)
    const letters = () => queue.deadLetters(topic, 'g').list()
    await until(async () => (await letters()).length === 2, { what: 'the dead letters' })
    const reasons = (await letters()).map(({ failure }) => failure.reason)
    expect(reasons.sort()).toEqual(['error', 'undecodable'])
  })

  it('with a delay and a timestamp in the far future wait for the delay only', async () => {
    const { queue } = await open({ partitions: 1 })
    const topic = newTopic()
    const delayed = `${topic}---delay`
    const config = Object.entries(anyTimestamp).map(([name, value]) => ({ name, value }))
    await createTopics(await shared('kafka'), [{ topic: delayed, numPartitions: 1, configEntries: config }])
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    const headers = { 'content-type': 'application/json', 'mq-delay': '1500' }
    await withProducer(await shared('kafka'), (producer) =>
      producer.send({ topic: delayed, messages: [{ value: '"late"', headers, timestamp: '1700000000000000000' }] }),
    )
    await until(() => seen.length === 1, { what: 'the delayed one', timeoutMs: 15_000 })
  })

  it('in a batch with an unknown compression codec become one dead letter, and what follows is read', async () => {
    const { queue } = await open({ partitions: 1 })
    const topic = newTopic()
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await publishWithSnappy(await shared('kafka'), topic, [{ value: '"lost in translation"' }, { value: '"this too"' }])
    await queue.publish(topic, 'after')
    await until(() => seen.length === 1, { what: 'what follows', timeoutMs: 15_000 })
    expect(seen).toEqual(['after'])
    const letters = () => queue.deadLetters(topic, 'g').list()
    await until(async () => (await letters()).length === 1, { what: 'the dead letter' })
    const [letter] = await letters()
    expect(letter?.failure.reason).toBe('undecodable')
    expect(letter?.failure.error.message).toMatch(/snappy/i)
    expect(Buffer.from(letter?.message.body ?? []).includes('lost in translation')).toBe(true)
    await until(async () => (await queue.stats(topic, 'g')).ready === 0, { what: 'nothing to be left' })
    expect(queue.health().status).toBe('up')
  })

  it('whose transaction was not committed are not seen', async () => {
    const { queue } = await open({ partitions: 1 })
    const server = await shared('kafka')
    const topic = newTopic()
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    const producer = outsideClient(server).producer({
      transactionalId: topic,
      maxInFlightRequests: 1,
      idempotent: true,
    })
    await producer.connect()
    const send = async (value: string, end: 'commit' | 'abort'): Promise<void> => {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [{ value }] })
      await transaction[end]()
    }
    await send('"undone"', 'abort')
    await send('"done"', 'commit')
    await send('"undone again"', 'abort')
    await queue.publish(topic, 'after')
    await producer.disconnect()
    await until(() => seen.length >= 2, { what: 'what was committed', timeoutMs: 15_000 })
    expect(seen).toEqual(['done', 'after'])
  })

  it('are written as the Kafka binding of CloudEvents says, so that others can read them', async () => {
    const { queue } = await open({ queue: { source: '/shop' } })
    const server = await shared('kafka')
    const topic = newTopic()
    const { id } = await queue.publish(topic, { n: 1 }, { key: 'k', headers: { tenant: 'a' } })
    const consumer = outsideClient(server).consumer({ groupId: `reader.${topic}` })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const records: { key: string; value: string; headers: Record<string, string> }[] = []
    await consumer.run({
      async eachMessage({ message: { key, value, headers = {} } }) {
        const texts = Object.entries(headers).map(([name, content]) => [name, String(content)])
        records.push({ key: String(key), value: String(value), headers: Object.fromEntries(texts) })
      },
    })
    await until(() => records.length === 1, { what: 'the record', timeoutMs: 15_000 })
    await consumer.disconnect()
    expect(records[0]).toMatchObject({
      key: 'k',
      value: '{"n":1}',
      headers: {
        ce_specversion: '1.0',
        ce_id: id,
        ce_source: '/shop',
        ce_type: topic,
        ce_partitionkey: 'k',
        'content-type': 'application/json',
        tenant: 'a',
      },
    })
  })
})

describe.skipIf(!brokers.wanted('kafka'))('a loss at the broker', () => {
  it('is reported with the number of messages that were removed before they were read', async () => {
    const { queue, events } = await open({ partitions: 1 })
    const server = await shared('kafka')
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    await queue.publishAll(topic, [0, 1, 2, 3, 4])
    await withAdmin(server, async (admin) => {
      await admin.fetchTopicOffsets(topic)
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] })
    })
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await until(() => seen.length === 2, { what: 'what is left', timeoutMs: 15_000 })
    expect(seen).toEqual([3, 4])
    expect(events.filter(({ type }) => type === 'data-loss')).toEqual([
      expect.objectContaining({ topic, group: 'g', count: 3 }),
    ])
  })

  it('is suspected if the offsets of a declared group are gone: it starts with the oldest message, not the latest', async () => {
    const { queue, events } = await open({ partitions: 1 })
    const server = await shared('kafka')
    const topic = newTopic()
    const first = await queue.subscribe(topic, () => {})
    await queue.publishAll(topic, [0, 1])
    await until(async () => (await queue.stats(topic, 'g')).ready === 0, { what: 'both to be handled' })
    await first.stop()
    await queue.publish(topic, 2)
    // The broker does this by itself after `offsets.retention.minutes` without a consumer.
    await withAdmin(server, (admin) => admin.deleteGroups([`${topic}--g`]))
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await until(() => seen.includes(2), { what: 'the message that waited', timeoutMs: 15_000 })
    expect(seen).toEqual([0, 1, 2])
    expect(events.filter(({ type }) => type === 'data-loss')).toHaveLength(1)
  })

  it('is reported if a topic was deleted under its consumer, which then reads the next topic from its beginning', async () => {
    const { queue, events } = await open({ partitions: 1 })
    const server = await shared('kafka')
    const topic = newTopic()
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await queue.publishAll(topic, [0, 1, 2])
    await until(() => seen.length === 3, { what: 'the first ones' })
    await withAdmin(server, (admin) => admin.deleteTopics({ topics: [topic] }))
    await until(() => events.some(({ type }) => type === 'data-loss'), { what: 'the loss', timeoutMs: 15_000 })
    await queue.publish(topic, 'new', { timeoutMs: 15_000 })
    await until(() => seen.includes('new'), { what: 'what comes after', timeoutMs: 15_000 })
    await until(() => queue.health().status === 'up', { what: 'good health' })
  })
})

describe.skipIf(!brokers.wanted('kafka'))('a topic that was deleted and created again at once', () => {
  const replace = async (topic: string): Promise<void> =>
    await withAdmin(await shared('kafka'), async (admin) => {
      await admin.deleteTopics({ topics: [topic] })
      const create = () => admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 1 }] })
      await until(() => create().catch(() => false), { what: 'the new topic' })
    })
  const numbers = Array.from({ length: 100 }, (_, index) => index)

  it.each([true, false])('is read from its beginning, and the loss is reported (busy: %s)', async (isBusy) => {
    const { queue, events } = await open({ partitions: 1, maxUncommitted: 40 })
    const topic = newTopic()
    const seen = new Set<unknown>()
    let release = (): void => {}
    await queue.subscribe(topic, ({ data }) => {
      seen.add(data)
      if (isBusy && data === 'old 0') return new Promise<void>((resolve) => (release = resolve))
      return undefined
    })
    await queue.publishAll(
      topic,
      numbers.slice(0, isBusy ? 60 : 30).map((number) => `old ${number}`),
    )
    await until(() => seen.size >= 30, { what: 'the old ones' })
    await sleep(100)
    await replace(topic)
    release()
    await queue.publishAll(topic, numbers, { timeoutMs: 15_000 })
    await until(() => numbers.every((number) => seen.has(number)), { what: 'all new ones', timeoutMs: 20_000 })
    expect(events.filter(({ type }) => type === 'data-loss')).toHaveLength(1)
  })

  it('is read from its beginning by a consumer that comes later', async () => {
    const server = await shared('kafka')
    const { queue, events } = await open({ partitions: 1 })
    const topic = newTopic()
    const first = await queue.subscribe(topic, () => {})
    await queue.publishAll(topic, numbers)
    await until(async () => (await queue.stats(topic, 'g')).ready === 0, { what: 'all to be handled' })
    await first.stop()
    const client = outsideClient(server)
    const cluster = new Cluster({ client, requestTimeoutMs: 5_000, connectTimeoutMs: 5_000 })
    const at = { topic, partition: 0 }
    const committed = (await committedProgress(cluster, `${topic}--g`, [at])).get(`${topic}/0`)
    await replace(topic)
    await queue.publishAll(topic, numbers, { timeoutMs: 15_000 })
    // A consumer that had not noticed would have committed this.
    const stale = { ...at, offset: 100, metadata: committed?.metadata ?? '' }
    await withCoordinator(cluster, `${topic}--g`, (coordinator) =>
      commitOffsets(cluster, coordinator, withoutMember(`${topic}--g`), [stale]),
    )
    cluster.close()
    const seen = new Set<unknown>()
    await queue.subscribe(topic, ({ data }) => void seen.add(data))
    await until(() => seen.size === 100, { what: 'all new ones', timeoutMs: 15_000 })
    expect(events.filter(({ type }) => type === 'data-loss')).toHaveLength(1)
  })
})

describe.skipIf(!brokers.wanted('kafka'))('declaring a group', () => {
  it('gives it every message from then on and none from before, also if others declare it at the same time', async () => {
    const opened = await Promise.all([open(), open(), open()])
    const topic = newTopic()
    const { queue } = opened[0]
    await queue.publishAll(topic, ['before', 'before'])
    const sent: string[] = []
    await Promise.all(
      opened.map(async (one, index) => {
        await one.queue.declareGroup(topic, 'g')
        for (let count = 0; count < 20; count++) {
          sent.push(`${index}.${count}`)
          await one.queue.publish(topic, `${index}.${count}`)
        }
      }),
    )
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await until(() => seen.length >= sent.length, { what: 'everything after it', timeoutMs: 15_000 })
    await sleep(500)
    expect([...seen].sort()).toEqual([...sent].sort())
  })

  it('gives it the messages of a partition that was added later', async () => {
    const { queue } = await open({ partitions: 1 })
    const server = await shared('kafka')
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    await withAdmin(server, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }))
    await withProducer(server, async (producer) => {
      // One at a time: if a new partition has no leader yet, kafkajs writes everything in a send again, or drops some of it.
      for (const partition of [0, 1, 2])
        await producer.send({ topic, messages: [{ partition, value: String(partition) }] })
    })
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await until(() => seen.length === 3, { what: 'all partitions', timeoutMs: 15_000 })
    expect([...seen].sort()).toEqual([0, 1, 2])
  })
})

describe.skipIf(!brokers.wanted('kafka'))('a partition that stands still', () => {
  it('because of one message is reported once and degrades health, until that message is finished', async () => {
    const { queue, events } = await open({ partitions: 1, maxUncommitted: 10 })
    const topic = newTopic()
    let release = (): void => {}
    await queue.subscribe(topic, ({ data }) => {
      if (data === 0) return new Promise<void>((resolve) => (release = resolve))
      return undefined
    })
    await queue.publishAll(
      topic,
      Array.from({ length: 30 }, (_, index) => index),
    )
    await until(() => queue.health().status === 'degraded', { what: 'the health to show it', timeoutMs: 20_000 })
    await sleep(1_500)
    const told = events.flatMap((event) => (event.type === 'error' ? [event.error.message] : []))
    expect(told).toEqual([expect.stringContaining(`${topic}/0 has stood still`)])
    release()
    await until(() => queue.health().status === 'up', { what: 'good health', timeoutMs: 5_000 })
  })
})

describe.skipIf(!brokers.wanted('kafka'))('a message that is too large for the topics of its group', () => {
  const small = { name: 'max.message.bytes', value: '10000' }
  const tiny = { name: 'max.message.bytes', value: '1000' }
  const large = 'x'.repeat(20_000)
  const failingAtLarge =
    (seen: unknown[]) =>
    ({ data }: { readonly data: unknown }): void => {
      seen.push(data)
      if (data === large) throw new Error('no')
    }

  it('becomes a dead letter with its failure if it cannot be retried, and holds up nothing', async () => {
    const { queue, events } = await open({ partitions: 1 })
    const topic = newTopic()
    const retry = { topic: `${topic}--g---retry`, numPartitions: tiersMs.length, configEntries: [small] }
    await createTopics(await shared('kafka'), [retry])
    const seen: unknown[] = []
    await queue.subscribe(topic, failingAtLarge(seen), { concurrency: 1 })
    await queue.publishAll(topic, [large, 'after'])
    const letters = () => queue.deadLetters(topic, 'g').list()
    await until(async () => (await letters()).length === 1, { what: 'the dead letter' })
    const [letter] = await letters()
    expect(letter).toMatchObject({ failure: { reason: 'error', error: { message: 'no' }, attempts: 1 } })
    await until(() => seen.length === 2, { what: 'the other one' })
    expect(events.filter(({ type }) => type === 'error')).toHaveLength(1)
    await until(async () => (await queue.stats(topic, 'g')).ready === 0, { what: 'nothing to be left' })
  })

  it('becomes a stub with its place, its length and its first bytes if it cannot be a dead letter either', async () => {
    const { queue, events } = await open({ partitions: 1 })
    const topic = newTopic()
    const dead = { topic: `${topic}--g---dead`, numPartitions: 2 }
    await createTopics(await shared('kafka'), [
      { topic: `${topic}--g---retry`, numPartitions: tiersMs.length, configEntries: [small] },
      { ...dead, configEntries: [small, { name: 'cleanup.policy', value: 'compact' }] },
    ])
    const seen: unknown[] = []
    await queue.subscribe(topic, failingAtLarge(seen))
    await queue.publishAll(topic, [large, 'after'])
    const letters = () => queue.deadLetters(topic, 'g').list()
    await until(async () => (await letters()).length === 1, { what: 'the stub' })
    const [letter] = await letters()
    expect(letter).toMatchObject({ failure: { reason: 'error', error: { message: 'no' }, attempts: 1 } })
    expect({ ...letter?.message.headers }).toEqual({ 'mq-stub': `${topic}/0/0`, 'mq-stub-of-bytes': '20002' })
    expect(String(letter?.message.body)).toBe(`"${large.slice(0, 1023)}`)
    expect(events.some((event) => event.type === 'error' && event.error.code === 'MQ_MESSAGE_TOO_LARGE')).toBe(true)
    await until(async () => (await queue.stats(topic, 'g')).ready === 0, { what: 'nothing to be left' })
    await expect(queue.deadLetters(topic, 'g').replay()).rejects.toThrow(`the message is at ${topic}/0/0`)
    expect(await letters()).toHaveLength(1)
    expect(await queue.deadLetters(topic, 'g').purge()).toEqual({ purged: 1 })
  })

  it('is a stub also if it was small before it was unpacked', async () => {
    const { queue } = await open({ partitions: 1 })
    const topic = newTopic()
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await withProducer(await shared('kafka'), async (producer) => {
      for (const bytes of [3, 20, 110])
        await producer.send({
          topic,
          compression: CompressionTypes.GZIP,
          messages: [{ value: Buffer.alloc(bytes * 1024 * 1024) }],
        })
    })
    await queue.publish(topic, 'after')
    const letters = () => queue.deadLetters(topic, 'g').list()
    await until(async () => (await letters()).length === 3, { what: 'the dead letters', timeoutMs: 30_000 })
    await until(() => seen.length === 1, { what: 'the one behind them' })
    const found = (await letters()).map(({ message: { headers } }) => headers['mq-stub'] ?? headers['mq-batch'])
    expect(found.sort()).toEqual([`${topic}/0/0`, `${topic}/0/1`, `${topic}/0/2-2`])
    await until(async () => (await queue.stats(topic, 'g')).ready === 0, { what: 'nothing to be left' })
    expect(queue.health().status).toBe('up')
  })

  it('is kept and reported if not even its stub is taken, while all but those of its key are handled', async () => {
    const { queue, events } = await open({ partitions: 1 })
    const server = await shared('kafka')
    const topic = newTopic()
    const dead = `${topic}--g---dead`
    await createTopics(server, [
      { topic: `${topic}--g---retry`, numPartitions: tiersMs.length, configEntries: [small] },
      { topic: dead, numPartitions: 2, configEntries: [tiny, { name: 'cleanup.policy', value: 'compact' }] },
    ])
    const seen: unknown[] = []
    await queue.subscribe(topic, failingAtLarge(seen), { concurrency: 1, ordered: true })
    await queue.publish(topic, large, { key: 'a' })
    await queue.publish(topic, 'next of a', { key: 'a' })
    await queue.publishAll(topic, ['b', 'c', 'd'])
    await until(() => seen.includes('d'), { what: 'the others' })
    const errors = () => events.filter(({ type }) => type === 'error')
    // The retry, the dead letter and that it becomes a stub; then at least two for the stub.
    await until(() => errors().length >= 5, { what: 'it to be reported' })
    expect(seen).toEqual([large, 'b', 'c', 'd'])
    const raised = [{ name: small.name, value: '1000000' }]
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: dead, configEntries: raised }]
    await withAdmin(server, (admin) => admin.alterConfigs({ validateOnly: false, resources }))
    await until(() => seen.includes('next of a'), { what: 'the one behind it', timeoutMs: 15_000 })
    expect(seen.filter((data) => data === large)).toHaveLength(1)
    const [letter] = await queue.deadLetters(topic, 'g').list()
    expect(letter).toMatchObject({ failure: { reason: 'error', attempts: 1 } })
  })
})

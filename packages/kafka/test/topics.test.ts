import { brokers, shared, until } from '@mq/test-brokers'
import { type ISocketFactory, Kafka, type KafkaConfig } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { newTopic, open } from './support/open.js'
import { createTopics, withAdmin } from './support/outside.js'

const own = (topic: string, group = 'g'): string[] => [
  topic,
  `${topic}---delay`,
  `${topic}--${group}---retry`,
  `${topic}--${group}---dead`,
]

describe.skipIf(!brokers.wanted('kafka'))('topics', () => {
  it('are created with the stated partitions and configuration, under the prefix', async () => {
    const { queue } = await open({ prefix: 'shop', partitions: 4, topicConfig: { 'retention.ms': '3600000' } })
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    const names = own(`shop--${topic}`)
    const { topics } = await withAdmin(await shared('kafka'), (admin) => admin.fetchTopicMetadata({ topics: names }))
    const counts = new Map(topics.map(({ name, partitions }) => [name, partitions.length]))
    expect(names.map((name) => counts.get(name))).toEqual([4, 1, 7, 2])
    const config = async (name: string): Promise<Map<string, string>> => {
      const { resources } = await withAdmin(await shared('kafka'), (admin) =>
        admin.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name }] }),
      )
      return new Map(resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]))
    }
    expect((await config(names[0] as string)).get('retention.ms')).toBe('3600000')
    const retry = await config(names[2] as string)
    expect(retry.get('message.timestamp.type')).toBe('LogAppendTime')
    expect(retry.get('retention.ms')).toBe(String(7 * 24 * 60 * 60 * 1000))
    expect((await config(names[3] as string)).get('cleanup.policy')).toBe('compact')
  })

  it('that are missing are all named if createTopics is false, and none is created', async () => {
    const { queue } = await open({ createTopics: false })
    const topic = newTopic()
    await expect(queue.publish(topic, 1)).rejects.toMatchObject({
      code: 'MQ_TOPIC_MISSING',
      message: expect.stringContaining(topic),
    })
    const error: Error & { code?: string } = await queue.declareGroup(topic, 'g').then(
      () => expect.fail('It was declared'),
      (failure) => failure,
    )
    expect(error.code).toBe('MQ_TOPIC_MISSING')
    for (const name of own(topic)) expect(error.message).toContain(name)
    const there = await withAdmin(await shared('kafka'), (admin) => admin.listTopics())
    expect(there.filter((name) => name.startsWith(topic))).toEqual([])
  })

  it('that another program has created serve with createTopics: false', async () => {
    const { queue } = await open({ createTopics: false })
    const topic = newTopic()
    const [main, delay, retry, dead] = own(topic) as [string, string, string, string]
    await createTopics(await shared('kafka'), [
      { topic: main, numPartitions: 2 },
      { topic: delay, numPartitions: 1 },
      { topic: retry, numPartitions: 7 },
      { topic: dead, numPartitions: 2, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] },
    ])
    const attempts: number[] = []
    const subscription = await queue.subscribe(topic, ({ attempt }) => {
      attempts.push(attempt)
      throw new Error('no')
    })
    await queue.publish(topic, 1)
    await until(async () => (await queue.deadLetters(topic, 'g').list()).length === 1, { what: 'the dead letter' })
    expect(attempts).toEqual([1, 2, 3])
    await subscription.stop()
    await expect(queue.deleteGroup(topic, 'g')).rejects.toMatchObject({ code: 'MQ_NOT_SUPPORTED' })
  })

  it('with too few partitions for retries are refused when the group is declared', async () => {
    const { queue } = await open({ createTopics: false })
    const topic = newTopic()
    const topics = own(topic).map((name) => ({ topic: name, numPartitions: 2 }))
    await createTopics(await shared('kafka'), topics)
    await expect(queue.declareGroup(topic, 'g')).rejects.toMatchObject({
      code: 'MQ_INVALID_OPTION',
      message: expect.stringMatching(/---retry has 2 partitions; it needs 7/),
    })
  })

  it('are deleted with their group, but not if it has consumers in other processes', async () => {
    const { queue } = await open()
    const { queue: other } = await open()
    const topic = newTopic()
    const subscription = await other.subscribe(topic, () => {})
    await expect(queue.deleteGroup(topic, 'g')).rejects.toMatchObject({ code: 'MQ_OPERATION_FAILED' })
    await subscription.stop()
    await queue.deleteGroup(topic, 'g')
    const there = await withAdmin(await shared('kafka'), (admin) => admin.listTopics())
    expect(there.filter((name) => name.startsWith(topic)).sort()).toEqual([topic, `${topic}---delay`])
    await queue.deleteGroup(topic, 'g')
  })
})

describe.skipIf(!brokers.wanted('kafka'))('publishing', () => {
  it('rejects a message that is too large for the broker, and stores those sent beside it', async () => {
    const { queue } = await open({ partitions: 1, topicConfig: { 'max.message.bytes': '100000' } })
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    const large = 'x'.repeat(200_000)
    const results = await Promise.allSettled(['a', large, 'b', 'c'].map((data) => queue.publish(topic, data)))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    expect((results[1] as PromiseRejectedResult).reason).toMatchObject({ code: 'MQ_PUBLISH_REJECTED' })
    expect((await queue.stats(topic, 'g')).ready).toBe(3)
  })

  it('rejects a message without a key to a compacted topic by name, and stores those sent beside it', async () => {
    const { queue } = await open({ partitions: 1, topicConfig: { 'cleanup.policy': 'compact' } })
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    const keys = ['a', undefined, 'b', undefined, 'c']
    const results = await Promise.allSettled([
      ...keys.map((key, index) => queue.publish(topic, index, key === undefined ? {} : { key })),
      queue.publishTombstone(topic, 'd'),
    ])
    expect(results.map(({ status }) => status)).toEqual([
      ...['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
      'fulfilled',
    ])
    expect((results[1] as PromiseRejectedResult).reason).toMatchObject({
      code: 'MQ_PUBLISH_REJECTED',
      message: expect.stringContaining('a compacted topic takes only messages with a key'),
    })
    expect((await queue.stats(topic, 'g')).ready).toBe(4)
  })

  it('compresses on demand', async () => {
    const { queue } = await open({ compression: 'gzip' })
    const topic = newTopic()
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await queue.publishAll(topic, [1, 2, 3])
    await until(() => seen.length === 3, { what: 'all of them' })
  })

  it('says that nothing was sent if the codec is missing', async () => {
    const { queue } = await open({ compression: 'zstd' })
    await expect(queue.publish(newTopic(), 1)).rejects.toMatchObject({
      code: 'MQ_PUBLISH_REJECTED',
      message: expect.stringMatching(/zstd/i),
    })
  })

  it('puts many messages into few requests, also through a client of the application', async () => {
    let requests = 0
    const client = (config: KafkaConfig): Kafka =>
      new Kafka({
        ...config,
        socketFactory(options) {
          const socket = (config.socketFactory as ISocketFactory)(options)
          const write = socket.write.bind(socket) as (...given: unknown[]) => boolean
          return Object.assign(socket, {
            write(...given: unknown[]) {
              requests += 1
              return write(...given)
            },
          })
        },
      })
    const { queue } = await open({ createClient: client })
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    await queue.publish(topic, 'first')
    const before = requests
    expect(before).toBeGreaterThan(5)
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => queue.publish(topic, index)))
    expect(requests - before).toBeLessThan(20)
    expect((await queue.stats(topic, 'g')).ready).toBe(1_001)
  })

  it('keeps the order of a key', async () => {
    const { queue } = await open()
    const topic = newTopic()
    const seen = new Map<string, number[]>()
    await queue.subscribe(
      topic,
      async (message) => {
        const key = message.key ?? ''
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
        seen.set(key, [...(seen.get(key) ?? []), message.data as number])
      },
      { ordered: true, concurrency: 50 },
    )
    await Promise.all(Array.from({ length: 300 }, (_, index) => queue.publish(topic, index, { key: `k${index % 7}` })))
    const count = (): number => [...seen.values()].reduce((sum, { length }) => sum + length, 0)
    await until(() => count() === 300, { what: 'all of them', timeoutMs: 15_000 })
    for (const numbers of seen.values()) expect(numbers).toEqual([...numbers].sort((left, right) => left - right))
  })
})

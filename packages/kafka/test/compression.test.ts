import zlib from 'node:zlib'
import { brokers, type KafkaServer, kafka, shared, until } from '@mq/test-brokers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { newTopic, open } from './support/open.js'
import { createTopics, installSnappy, publishWithSnappy, withProducer } from './support/outside.js'

/** Node unpacks zstd from 22.15 on. */
const isReadByNode = (type: string): boolean => type === 'zstd' && 'zstdDecompress' in zlib

const compressedBy = (value: string) => [{ name: 'compression.type', value }]

describe.skipIf(!brokers.owned('kafka')).each(['zstd', 'lz4', 'snappy'])('a broker that compresses with %s', (type) => {
  let server: KafkaServer

  beforeAll(async () => {
    server = await kafka({ config: { 'compression.type': type }, heapMb: 300 })
  })
  afterAll(async () => {
    await server?.stop()
  })

  it('leaves the topics of this adapter as they were sent: retries, delays and dead letters come back', async () => {
    const { queue, events } = await open({ url: server.url, partitions: 1 })
    const topic = newTopic()
    const runs: string[] = []
    await queue.subscribe(topic, ({ data, attempt }) => {
      runs.push(`${data}.${attempt}`)
      if (data === 'dead' || (data === 'retried' && attempt === 1)) throw new Error('no')
    })
    await queue.publish(topic, 'retried')
    await queue.publish(topic, 'dead')
    await queue.publish(topic, 'late', { delayMs: 200 })
    const letters = () => queue.deadLetters(topic, 'g').list()
    await until(async () => (await letters()).length === 1, { what: 'the dead letter', timeoutMs: 15_000 })
    await until(() => runs.includes('retried.2') && runs.includes('late.1'), { what: 'the others', timeoutMs: 15_000 })
    expect((await letters())[0]).toMatchObject({ failure: { reason: 'error', attempts: 3 } })
    expect(await queue.deadLetters(topic, 'g').replay()).toEqual({ replayed: 1 })
    await until(() => runs.filter((run) => run === 'dead.1').length === 2, { what: 'the replay', timeoutMs: 15_000 })
    await until(async () => (await letters()).length === 1, { what: 'it to be dead again', timeoutMs: 15_000 })
    expect(await queue.deadLetters(topic, 'g').purge()).toEqual({ purged: 1 })
    expect(events.filter((event) => event.type === 'error')).toEqual([])
  })

  it.runIf(isReadByNode(type))('leaves a foreign topic readable if Node can unpack it', async () => {
    const { queue, events } = await open({ url: server.url, partitions: 1 })
    const topic = newTopic()
    await createTopics(server, [{ topic, numPartitions: 1 }])
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await withProducer(server, (producer) => producer.send({ topic, messages: [{ value: '"a"' }, { value: '"b"' }] }))
    await until(() => seen.length === 2, { what: 'the messages' })
    expect(seen).toEqual(['a', 'b'])
    expect(events.filter((event) => event.type === 'error')).toEqual([])
  })

  it.skipIf(isReadByNode(type))(
    'makes a foreign topic one dead letter a batch, with its offsets, and says what to install',
    async () => {
      const { queue, events } = await open({ url: server.url, partitions: 1 })
      const topic = newTopic()
      await createTopics(server, [{ topic, numPartitions: 1 }])
      await queue.subscribe(topic, () => {})
      await withProducer(server, (producer) =>
        producer.send({ topic, messages: [{ value: '"a"' }, { value: '"b"' }, { value: '"c"' }] }),
      )
      const letters = () => queue.deadLetters(topic, 'g').list()
      await until(async () => (await letters()).length === 1, { what: 'the dead letter', timeoutMs: 15_000 })
      expect((await letters())[0]).toMatchObject({
        failure: { reason: 'undecodable' },
        message: { headers: { 'mq-batch': `${topic}/0/0-2` } },
      })
      const told = events.flatMap((event) => (event.type === 'error' ? [event.error.message] : []))
      expect(told).toEqual([expect.stringMatching(/register it as CompressionCodecs/)])
      await expect(queue.deadLetters(topic, 'g').replay()).rejects.toThrow(/register it as CompressionCodecs/)
      expect(await letters()).toHaveLength(1)
    },
  )
})

describe.skipIf(!brokers.wanted('kafka'))('a batch without a codec', () => {
  it('is replayed, message by message, once the codec is there', async () => {
    const { queue } = await open({ partitions: 1 })
    const server = await shared('kafka')
    const topic = newTopic()
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await publishWithSnappy(server, topic, [{ value: '"one"' }, { value: '"two"' }])
    const letters = () => queue.deadLetters(topic, 'g').list()
    await until(async () => (await letters()).length === 1, { what: 'the dead letter', timeoutMs: 15_000 })
    onTestFinished(installSnappy())
    expect(await queue.deadLetters(topic, 'g').replay()).toEqual({ replayed: 1 })
    await until(() => seen.length === 2, { what: 'both of its messages' })
    expect(seen).toEqual(['one', 'two'])
    expect(await letters()).toEqual([])
  })

  it.each(['retry', 'dead'])('in the %s topic is an error, never nothing', async (kind) => {
    const { queue, events } = await open({ partitions: 1 })
    const server = await shared('kafka')
    const topic = newTopic()
    const own = `${topic}--g---${kind}`
    await createTopics(server, [
      { topic: own, numPartitions: kind === 'dead' ? 2 : 7, configEntries: compressedBy('lz4') },
    ])
    const subscribed = queue.subscribe(topic, () => {
      throw new Error('no')
    })
    if (kind === 'dead') {
      await expect(subscribed).rejects.toThrow(`Set compression.type=producer for ${own}`)
      return
    }
    await subscribed
    await queue.publish(topic, 1)
    const told = () => events.flatMap((event) => (event.type === 'error' ? [event.error.message] : []))
    await until(() => told().some((text) => text.includes(`Set compression.type=producer for ${own}`)), {
      what: 'it to be told',
    })
    expect(queue.health().status).toBe('degraded')
    expect(await queue.deadLetters(topic, 'g').list()).toEqual([])
  })
})

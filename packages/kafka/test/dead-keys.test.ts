import { brokers, shared } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import { entryIdOf } from '../src/wire/letter-key.js'
import { newTopic, open } from './support/open.js'
import { createTopics, withProducer } from './support/outside.js'

describe('the id of a dead letter', () => {
  const idOf = (key: Buffer | undefined): string => entryIdOf({ key, offset: 7 })

  it('is the key of its record, as every key of ours is a short text', () => {
    expect(idOf(Buffer.from('main.0.12.1790000000000'))).toBe('main.0.12.1790000000000')
  })

  it('differs for different keys, and can be shown and is short for any', () => {
    const texts = [
      '',
      ' ',
      'ü',
      '~',
      '~hex.80',
      '~offset.7',
      'a\u0000',
      'a\nb',
      '\u202e',
      'x'.repeat(200),
      'x'.repeat(201),
    ]
    const keys = [
      ...texts.map((text) => Buffer.from(text)),
      Buffer.from([0x80]),
      Buffer.from([0xff]),
      Buffer.alloc(2_000),
    ]
    const ids = [undefined, ...keys].map(idOf)
    expect(new Set(ids).size).toBe(keys.length + 1)
    expect(ids.filter((id) => !/^[^\p{C}]{1,208}$/u.test(id))).toEqual([])
  })
})

describe.skipIf(!brokers.wanted('kafka'))('dead letters of other programs', () => {
  const foreign = [
    Buffer.from([0x80]),
    Buffer.from([0xff]),
    Buffer.from('~hex.80'),
    Buffer.alloc(2_000, 1),
    Buffer.from(''),
  ]

  it.each([
    ['under keys of any bytes', 'compact', foreign],
    ['without a key', 'delete', [null, null, Buffer.from('~offset.0')]],
  ])('%s are told apart, and purged and replayed each by itself', async (_, policy, keys) => {
    const { queue } = await open({ partitions: 1 })
    const server = await shared('kafka')
    const topic = newTopic()
    const dead = `${topic}--g---dead`
    const configEntries = [{ name: 'cleanup.policy', value: policy }]
    await createTopics(server, [{ topic: dead, numPartitions: 2, configEntries }])
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await withProducer(server, (producer) =>
      producer.send({ topic: dead, messages: keys.map((key, index) => ({ key, value: `${index}`, partition: 0 })) }),
    )
    const letters = queue.deadLetters(topic, 'g')
    const shown = async () => (await letters.list()).map(({ message }) => String(Buffer.from(message.body)))
    expect(await shown()).toEqual(keys.map((_key, index) => `${index}`))
    const [first, second] = await letters.list()
    expect(await letters.purge([first?.entryId ?? ''])).toEqual({ purged: 1 })
    expect(await shown()).toEqual(keys.map((_key, index) => `${index}`).slice(1))
    expect(await letters.replay([second?.entryId ?? ''])).toEqual({ replayed: 1 })
    await expect.poll(() => seen, { timeout: 10_000 }).toEqual([1])
    expect(await shown()).toEqual(keys.map((_key, index) => `${index}`).slice(2))
    expect(await letters.purge()).toEqual({ purged: keys.length - 2 })
    expect(await shown()).toEqual([])
  })

  it('of many bytes are listed in part, and an event says so', async () => {
    const { queue } = await open({ partitions: 1 })
    const server = await shared('kafka')
    const topic = newTopic()
    const dead = `${topic}--g---dead`
    await createTopics(server, [{ topic: dead, numPartitions: 2 }])
    const errors: string[] = []
    queue.on('error', ({ error }) => errors.push(error.message))
    const value = Buffer.alloc(900 * 1024, 1)
    await withProducer(server, async (producer) => {
      for (let n = 0; n < 80; n++)
        await producer.send({ topic: dead, messages: [{ partition: 0, key: `${n}`, value }] })
    })
    expect(await queue.deadLetters(topic).list({ limit: 5 })).toHaveLength(5)
    expect(errors).toEqual([])
    expect(await queue.deadLetters(topic).list({ limit: 1_000 })).toHaveLength(73)
    expect(errors).toEqual([expect.stringMatching(/has 73 of 80 entries: a list ends at 64 MiB/)])
  })
})

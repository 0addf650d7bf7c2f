import type { DeadLetters, Queue } from '@mq/core'
import { brokers, type KafkaServer, shared, until } from '@mq/test-brokers'
import { ConfigResourceTypes, type Message } from 'kafkajs'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { subscribeMortal } from './support/mortal.js'
import { newTopic, open } from './support/open.js'
import { installSnappy, publishWithSnappy, withAdmin, withProducer } from './support/outside.js'

/** More headers than a record may have, so that its whole batch cannot be read. */
const tooMany = Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`h${index}`, '']))
const hidden: Message = { key: 'hidden', value: '"hidden"', partition: 0 }

describe.skipIf(!brokers.wanted('kafka'))('a batch of dead letters that cannot be read', () => {
  let server: KafkaServer

  beforeAll(async () => {
    server = await shared('kafka')
  })

  const write = (dead: string, messages: readonly Message[]): Promise<unknown> =>
    withProducer(server, (producer) => producer.send({ topic: dead, messages: [...messages] }))

  const kinds: readonly [string, RegExp, (dead: string) => Promise<unknown>][] = [
    [
      'in a compression without a codec',
      /register it as CompressionCodecs/,
      (dead) => publishWithSnappy(server, dead, [hidden]),
    ],
    ['that is damaged', /10001 headers/, (dead) => write(dead, [hidden, { ...hidden, key: 'too', headers: tooMany }])],
  ]

  interface Started {
    readonly queue: Queue
    readonly topic: string
    readonly dead: string
    readonly letters: DeadLetters
    readonly handled: unknown[]
  }

  /** Subscribes, and lets a message die before such a batch and another one behind it. */
  async function withUnreadable(writeBatch: (dead: string) => Promise<unknown>): Promise<Started> {
    const { queue } = await open({ partitions: 1 })
    const topic = newTopic()
    const dead = `${topic}--g---dead`
    const { letters, handled, heal } = await subscribeMortal(queue, topic)
    const isDead = (count: number): Promise<unknown> =>
      until(async () => (await letters.list()).length === count, { what: `${count} dead letters`, timeoutMs: 15_000 })
    await queue.publish(topic, 'before')
    await isDead(1)
    await writeBatch(dead)
    await queue.publish(topic, 'after')
    await isDead(3)
    heal()
    return { queue, topic, dead, letters, handled }
  }

  it.each(kinds)('%s is an entry that says so, beside the others', async (_, why, writeBatch) => {
    const { queue, topic, dead, letters } = await withUnreadable(writeBatch)
    const [before, batch, after] = await letters.list()
    expect([before?.data, batch?.data, after?.data]).toEqual(['before', undefined, 'after'])
    expect(batch?.failure).toMatchObject({
      reason: 'undecodable',
      attempts: 0,
      error: { message: expect.stringMatching(why) },
    })
    expect(batch?.message.headers['mq-batch']).toMatch(new RegExp(`^${dead}/0/\\d+-\\d+$`))
    expect(batch?.message.body.byteLength).toBeLessThanOrEqual(1_024)
    expect((await queue.stats(topic, 'g')).dead).toBe(3)
  })

  it.each(kinds)('%s stays when the others are replayed, and is purged by its id', async (_, why, writeBatch) => {
    const { letters, handled } = await withUnreadable(writeBatch)
    await expect(letters.replay()).rejects.toThrow(why)
    await until(() => handled.length === 2, { what: 'the others' })
    expect([...handled].sort()).toEqual(['after', 'before'])
    const [batch, ...rest] = await letters.list()
    expect(rest).toEqual([])
    expect(await letters.purge([batch?.entryId ?? ''])).toEqual({ purged: 1 })
    expect(await letters.list()).toEqual([])
  })

  it.each(kinds)('%s is purged together with the others', async (_, _why, writeBatch) => {
    const { letters } = await withUnreadable(writeBatch)
    expect(await letters.purge()).toEqual({ purged: 3 })
    expect(await letters.list()).toEqual([])
  })

  it('is its dead letters once the codec is there, and they do not come back if the batch was purged', async () => {
    const several = [hidden, { ...hidden, key: 'hidden too' }]
    const { letters } = await withUnreadable((dead) => publishWithSnappy(server, dead, several))
    const removeCodec = installSnappy()
    onTestFinished(removeCodec)
    expect((await letters.list()).map(({ data }) => data)).toEqual(['before', 'hidden', 'hidden', 'after'])
    removeCodec()
    const [, batch] = await letters.list()
    await letters.purge([batch?.entryId ?? ''])
    onTestFinished(installSnappy())
    expect((await letters.list()).map(({ data }) => data)).toEqual(['before', 'after'])
  })

  it('lets nothing be replayed or purged while the broker compresses what would strike it out', async () => {
    const { letters, handled, dead } = await withUnreadable((topic) => publishWithSnappy(server, topic, [hidden]))
    await withAdmin(server, (admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          { type: ConfigResourceTypes.TOPIC, name: dead, configEntries: [{ name: 'compression.type', value: 'lz4' }] },
        ],
      }),
    )
    // The broker answers before it compresses. What cannot be read is one more entry.
    const probe = { key: 'probe', value: null, partition: 0 }
    const isCompressed = async (): Promise<boolean> => {
      await write(dead, [probe])
      return (await letters.list()).length > 3
    }
    await until(isCompressed, { what: 'the broker to compress' })
    const hint = `Set compression.type=producer for ${dead}`
    await expect(letters.replay()).rejects.toThrow(hint)
    await expect(letters.purge()).rejects.toThrow(hint)
    expect((await letters.list()).map(({ data }) => data).filter((data) => data !== undefined)).toEqual([
      'before',
      'after',
    ])
    expect(handled).toEqual([])
  })
})

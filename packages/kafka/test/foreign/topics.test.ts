import { randomUUID } from 'node:crypto'
import { defineForeignTopic, type MqError } from '@mq/core'
import { brokers, shared, until } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import { newTopic, open } from '../support/open.js'
import { createTopics, withAdmin, withProducer } from '../support/outside.js'

const create = async (topic: string): Promise<void> =>
  createTopics(await shared('kafka'), [{ topic, numPartitions: 1 }])

const write = async (topic: string, values: readonly (string | Buffer)[]): Promise<void> => {
  const messages = values.map((value, index) => ({ key: `k${index}`, value }))
  await withProducer(await shared('kafka'), (producer) => producer.send({ topic, messages }))
}

const topicsNow = async (): Promise<readonly string[]> =>
  withAdmin(await shared('kafka'), (admin) => admin.listTopics())

describe.skipIf(!brokers.wanted('kafka'))('topics of other programs', () => {
  it.each(['user_events', '_internal', 'a__b..c--d', 'server.schema.order_items', '-'.repeat(200)])(
    'are read by any legal name: %s',
    async (start) => {
      const { queue } = await open()
      const name = `${start}${randomUUID()}`
      await create(name)
      await write(name, ['{"number":1}', '{"number":2}'])
      const seen: unknown[] = []
      const users = defineForeignTopic(newTopic(), { at: name })
      await queue.subscribe(users, ({ id, key, data }) => void seen.push([id, key, data]), {
        startFrom: 'earliest',
        ordered: true,
        concurrency: 1,
      })
      await until(() => seen.length === 2, { what: 'both messages' })
      expect(seen).toEqual([
        [`${name}/0/0`, 'k0', { number: 1 }],
        [`${name}/0/1`, 'k1', { number: 2 }],
      ])
    },
  )

  it('are read by an ephemeral subscription', async () => {
    const { queue } = await open()
    const name = `user_events.${randomUUID()}`
    await create(name)
    await write(name, ['before'])
    const seen: unknown[] = []
    const users = defineForeignTopic(newTopic(), { at: name, decode: 'text' })
    await queue.subscribe(users, ({ data }) => void seen.push(data), { ephemeral: true })
    await write(name, ['after'])
    await until(() => seen.length === 1, { what: 'the message' })
    expect(seen).toEqual(['after'])
    expect((await topicsNow()).filter((topic) => topic.startsWith(users.name))).toEqual([])
  })

  it('are left alone: what a group stores is in topics of its own, and only these are deleted with it', async () => {
    const { queue } = await open()
    const name = `user_events.${randomUUID()}`
    await create(name)
    const users = defineForeignTopic(newTopic(), { at: name, decode: 'bytes' })
    const subscription = await queue.subscribe(users, () => Promise.reject(new Error('broken')), {
      retry: { attempts: 2 },
    })
    await write(name, [Buffer.from([0xff])])
    const dead = queue.deadLetters(users)
    await until(async () => (await dead.list()).length === 1, { what: 'the dead letter' })
    expect((await dead.list())[0]?.data).toEqual(new Uint8Array([0xff]))
    // The broker tells a moment later what was committed.
    await until(async () => (await queue.stats(users)).ready === 0, { what: 'nothing to be ready' })
    expect(await queue.stats(users)).toMatchObject({ ready: 0, dead: 1 })
    const ofGroup = (topics: readonly string[]): readonly string[] =>
      topics.filter((topic) => topic.startsWith(users.name)).sort()
    expect(ofGroup(await topicsNow())).toEqual([`${users.name}--g---dead`, `${users.name}--g---retry`])
    await subscription.stop()
    await queue.deleteGroup(users, 'g')
    const after = await topicsNow()
    expect(ofGroup(after)).toEqual([])
    expect(after).toContain(name)
    const offsets = await withAdmin(await shared('kafka'), (admin) => admin.fetchTopicOffsets(name))
    expect(offsets.map(({ low, high }) => [low, high])).toEqual([['0', '1']])
  })

  it('are refused if they do not exist or cannot, and nothing is created', async () => {
    const { queue } = await open()
    const missing = `user_events.${randomUUID()}`
    const topic = defineForeignTopic(newTopic(), { at: missing })
    for (const options of [{}, { ephemeral: true }]) {
      const error: MqError = await queue.subscribe(topic, () => {}, options).catch((failure) => failure)
      expect([error.code, error.message]).toEqual([
        'MQ_TOPIC_MISSING',
        expect.stringContaining(`The topic '${missing}' does not exist at Kafka`),
      ])
    }
    expect((await topicsNow()).filter((name) => name === missing || name.startsWith(topic.name))).toEqual([])
    for (const at of ['a b', '.', '..', 'ü', 'x'.repeat(250)]) {
      const define = () => queue.capabilitiesOf(defineForeignTopic(newTopic(), { at }))
      expect(define).toThrow(expect.objectContaining({ code: 'MQ_INVALID_NAME' }))
    }
    const stream = defineForeignTopic(newTopic(), { at: { stream: 'x', field: 'y' } })
    await expect(queue.subscribe(stream, () => {})).rejects.toMatchObject({ code: 'MQ_NOT_SUPPORTED' })
  })

  it('are proposed if a topic of ours is missing and may not be created', async () => {
    const { queue } = await open({ createTopics: false })
    const name = `user_events.${randomUUID()}`
    const hint = expect.stringContaining(`a Kafka topic that is called '${name}', use defineForeignTopic`)
    await expect(queue.subscribe(name, () => {})).rejects.toMatchObject({ code: 'MQ_TOPIC_MISSING', message: hint })
    await expect(queue.publish(name, 1)).rejects.toMatchObject({ code: 'MQ_TOPIC_MISSING', message: hint })
  })

  it('are named in an error if a new topic of ours has their plain name', async () => {
    const name = `server.schema.user_events.${randomUUID()}`
    await create(name)
    for (const use of ['subscribe', 'publish', 'ephemeral'] as const) {
      const { queue, events } = await open()
      const topic = use === 'subscribe' ? name : `${name}.${use}_x`
      if (use !== 'subscribe') await create(topic)
      if (use === 'publish') await queue.publish(topic, 1)
      else await queue.subscribe(topic, () => {}, use === 'ephemeral' ? { ephemeral: true } : {})
      const errors = events.flatMap((event) => (event.type === 'error' ? [event.error.message] : []))
      expect(errors).toEqual([expect.stringContaining(`use defineForeignTopic with at: '${topic}'`)])
      await queue.declareGroup(topic, 'other')
      expect(events.filter(({ type }) => type === 'error')).toHaveLength(1)
    }
  })
})

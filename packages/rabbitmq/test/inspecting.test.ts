import { brokers, type RabbitServer, rabbitmq as startRabbit } from '@mq/test-brokers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rabbitmq } from '../src/index.js'
import { eventually, freshTopic, open } from './support/open.js'

describe.skipIf(!brokers.owned('rabbitmq'))('topics and groups', () => {
  let server: RabbitServer
  const options = () => ({ url: server.url, management: { url: server.managementUrl ?? '' } })
  beforeAll(async () => {
    server = await startRabbit({ management: true })
  })
  afterAll(() => server.stop())

  it.each(['mq', 'p'.repeat(90)])(
    'are listed under the names that they were given, with the prefix %s',
    async (prefix) => {
      const queue = await open({ ...options(), prefix })
      const underscores = Array.from({ length: 49 }, () => 'a').join('_')
      const topics = ['plain', `t.${'x'.repeat(98)}`, `${underscores}_b`, `${underscores}_c`]
      const group = `g.${'y'.repeat(98)}`
      for (const topic of topics) {
        await queue.declareGroup(topic, group)
        await queue.declareGroup(topic, 'g')
      }
      await queue.subscribe(topics[1] ?? '', () => {}, { ephemeral: true })
      const listed = (await queue.topics()).items.map(({ topic }) => topic)
      expect(listed).toEqual([...topics].sort())
      for (const topic of topics) {
        const groups = (await queue.groups(topic)).items.filter(({ ephemeral }) => !ephemeral)
        expect(groups.map((info) => info.group)).toEqual(['g', group])
      }
      const ephemeral = (await queue.groups(topics[1] ?? '')).items.filter((info) => info.ephemeral)
      expect(ephemeral.map((info) => info.group)).toEqual([expect.stringMatching(/^ephemeral\./)])
    },
  )

  it('count the instances of an ordered group, and those of one that was ordered before', async () => {
    const [one, other, topic] = [await open(options()), await open(options()), freshTopic()]
    const consumers = async (): Promise<number | undefined> => (await one.groups(topic)).items[0]?.consumers
    const subscriptions = [
      await one.subscribe(topic, () => {}, { ordered: true }),
      await other.subscribe(topic, () => {}, { ordered: true }),
    ]
    await eventually(async () => (await consumers()) === 2, 'both instances to be counted')
    for (const subscription of subscriptions) await subscription.stop()
    for (const queue of [one, other, one]) await queue.subscribe(topic, () => {})
    await eventually(async () => (await consumers()) === 3, 'three subscriptions to be counted')
  })

  it('are refused without the management API, with the advice to name it; so is what no option helps', async () => {
    const [queue, topic] = [await open({ url: server.url }), freshTopic()]
    const refusal = { code: 'MQ_NOT_SUPPORTED', message: expect.stringContaining("management: { url: 'http://host") }
    await expect(queue.topics()).rejects.toMatchObject(refusal)
    await expect(queue.groups(topic)).rejects.toMatchObject(refusal)
    const taken = { code: 'MQ_NOT_SUPPORTED', message: expect.stringContaining('to a consumer that takes it') }
    await expect(queue.waiting(topic).list()).rejects.toMatchObject(taken)
    await expect(queue.waiting(topic).remove(['1'])).rejects.toMatchObject(taken)
    expect(rabbitmq(options()).capabilities).toMatchObject({ listsTopics: true, listsGroups: true, pausesGroups: true })
  })

  it('say what the management API has answered, and show no password', async () => {
    const wrong = new URL(server.managementUrl ?? '')
    wrong.username = 'guest'
    wrong.password = 'geheim'
    const queue = await open({ url: server.url, management: { url: wrong.href } })
    await expect(queue.topics()).rejects.toMatchObject({
      code: 'MQ_AUTH_FAILED',
      message: expect.not.stringContaining('geheim'),
    })
    const nowhere = await open({ url: server.url, management: { url: 'http://127.0.0.1:1' } })
    await expect(nowhere.groups('t')).rejects.toMatchObject({
      code: 'MQ_OPERATION_FAILED',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  it('that are paused stay so while publishing is blocked, and a pause that cannot be stored is refused', async () => {
    const [queue, topic] = [await open(options()), freshTopic()]
    await queue.declareGroup(topic, 'workers')
    await queue.pauseGroup(topic, 'workers', { by: 'Ada' })
    await queue.declareGroup(topic, 'others')
    await queue.publish(topic, 1)
    await server.alarm(true)
    try {
      const later = await open(options(), { operationTimeoutMs: 3_000 })
      const seen: string[] = []
      await later.subscribe(topic, () => void seen.push('paused'))
      await later.subscribe(topic, () => void seen.push('others'), { group: 'others' })
      await eventually(() => seen.includes('others'), 'the group that is not paused')
      expect(later.health().consumers.map(({ group, status }) => [group, status])).toEqual([
        ['workers', 'paused'],
        ['others', 'consuming'],
      ])
      await expect(later.pauseGroup(topic, 'others')).rejects.toMatchObject({ code: 'MQ_TIMEOUT' })
      expect(seen).toEqual(['others'])
    } finally {
      await server.alarm(false)
    }
    await queue.resumeGroup(topic, 'workers')
    expect((await queue.stats(topic)).paused).toBeUndefined()
  })
})

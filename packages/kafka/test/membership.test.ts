import { setTimeout as sleep } from 'node:timers/promises'
import { brokers, shared, until } from '@mq/test-brokers'
import type { Admin } from 'kafkajs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Cluster } from '../src/driver/cluster.js'
import type { JoinOptions } from '../src/driver/group/join.js'
import { Member } from '../src/driver/group/member.js'
import { newTopic, open } from './support/open.js'
import { committedOffsets, createTopics, outsideClient, withAdmin, withProducer } from './support/outside.js'

const ignored = { assigned: async () => {}, revoked: async () => {}, lost() {}, failing() {} }

/** Joins a group, and then ends its connections without having left. */
async function joinAndDie(options: Omit<JoinOptions, 'cluster' | 'rebalanceTimeoutMs'>): Promise<void> {
  const client = outsideClient(await shared('kafka'))
  const cluster = new Cluster({ client, requestTimeoutMs: 10_000, connectTimeoutMs: 10_000 })
  const member = new Member({ ...options, cluster, rebalanceTimeoutMs: options.sessionTimeoutMs })
  await new Promise<void>((joined) => {
    member.start({ ...ignored, joined: () => joined() })
  })
  cluster.close()
  await member.stop(1)
}

describe.skipIf(!brokers.wanted('kafka'))('a consumer', () => {
  it('that cannot join its group ends when it is stopped, and so does the call that subscribed', async () => {
    // This is shorter than the broker allows, so it refuses every attempt.
    const { queue, events } = await open({ sessionTimeoutMs: 1_000 })
    const subscribing = queue.subscribe(newTopic(), () => {}).catch((error: unknown) => error)
    await until(() => events.some(({ type }) => type === 'error'), {
      what: 'the refusal to be reported',
      timeoutMs: 30_000,
    })
    await queue.disconnect({ timeoutMs: 500 })
    let outcome: unknown
    void subscribing.then((error) => (outcome = error))
    await until(() => outcome !== undefined, { what: 'the subscription to end', timeoutMs: 2_000 })
    expect(outcome).toMatchObject({ code: 'MQ_STOPPED' })
  })

  it('is one member of its group after the group was deleted several times at a time', async () => {
    const server = await shared('kafka')
    const { queue } = await open()
    const topic = newTopic()
    const handled: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void handled.push(data))
    await Promise.all(Array.from({ length: 4 }, () => queue.deleteGroup(topic, 'g')))
    await queue.publish(topic, 'after')
    await until(() => handled.length > 0, { what: 'a message after it', timeoutMs: 15_000 })
    expect(handled).toEqual(['after'])
    const members = (): Promise<number | undefined> =>
      withAdmin(server, async (admin) => (await admin.describeGroups([`${topic}--g`])).groups[0]?.members.length)
    expect(await members()).toBe(1)
    await queue.disconnect({ timeoutMs: 1_000 })
    expect(await members()).toBe(0)
  })

  it('that is ephemeral goes on with delayed messages, however many came after one that waits for long', async () => {
    const { queue } = await open({ maxUncommitted: 50 })
    const topic = newTopic()
    const handled: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void handled.push(data), { ephemeral: true })
    await queue.publish(topic, 'tomorrow', { delayMs: 86_400_000 })
    for (let count = 1; count <= 120; count++) {
      await queue.publish(topic, count, { delayMs: 1 })
      await until(() => handled.length === count, { what: `delayed message ${count}` })
    }
    expect(handled).not.toContain('tomorrow')
  })

  it('that cannot read one of its topics reports it once, and handles the messages of the others', async () => {
    const server = await shared('kafka')
    const topic = newTopic()
    await (await open()).queue.declareGroup(topic, 'g')
    const { queue, events } = await open({ createTopics: false })
    const handled: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void handled.push(data))
    await withAdmin(server, (admin) => admin.deleteTopics({ topics: [`${topic}--g---retry`] }))
    const isAboutReading = (text: string): boolean => text.includes(`Reading ${topic} fails`)
    const errors = (): readonly string[] =>
      events.flatMap((one) => (one.type === 'error' ? [String(one.error)] : [])).filter(isAboutReading)
    await until(() => errors().length > 0, { what: 'the missing topic to be told', timeoutMs: 15_000 })
    const healths = new Set<string>()
    for (let count = 0; count < 20; count++) {
      await queue.publish(topic, count)
      await until(() => handled.length > count, { what: 'a message beside it' })
      healths.add((await queue.health()).status)
      await sleep(100)
    }
    expect([errors(), [...healths]]).toEqual([[expect.any(String)], ['degraded']])
  })

  it('is subscribed although its group still waits for a member that died, and works once that one counts as dead', {
    timeout: 120_000,
  }, async () => {
    const sessionTimeoutMs = 25_000
    const { queue } = await open({ sessionTimeoutMs, queue: { operationTimeoutMs: 20_000 } })
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    await joinAndDie({ groupId: `${topic}--g`, topics: [topic], sessionTimeoutMs })
    const handled: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void handled.push(data))
    expect(queue.health()).toMatchObject({ status: 'degraded', consumers: [{ status: 'recovering' }] })
    await queue.publish(topic, 1)
    await until(() => handled.length > 0, { what: 'the message', timeoutMs: 60_000 })
    expect(queue.health().status).toBe('up')
  })

  it('that loses its connection while it joins comes back as the same member', async () => {
    const server = await shared('kafka')
    const topic = newTopic()
    await createTopics(server, [{ topic, numPartitions: 1 }])
    const of = { groupId: `${topic}--g`, topics: [topic], sessionTimeoutMs: 6_000 }
    await joinAndDie(of)
    const client = outsideClient(server)
    const cluster = new Cluster({ client, requestTimeoutMs: 10_000, connectTimeoutMs: 10_000 })
    onTestFinished(() => cluster.close())
    const member = new Member({ ...of, cluster, rebalanceTimeoutMs: of.sessionTimeoutMs })
    onTestFinished(() => member.stop(1_000))
    let isIn = false
    member.start({ ...ignored, joined: () => (isIn = true) })
    const seen = new Set<string>()
    const look = async (admin: Admin): Promise<void> => {
      const { groups } = await admin.describeGroups([of.groupId])
      for (const { memberId } of groups[0]?.members ?? []) seen.add(memberId)
    }
    await withAdmin(server, async (admin) => {
      await until(() => look(admin).then(() => seen.size === 2), { what: 'the group to wait for the dead member' })
      cluster.disconnect()
      await until(() => look(admin).then(() => isIn), { what: 'the member to be in its group', timeoutMs: 30_000 })
    })
    expect(seen.size).toBe(2)
  })

  it('that takes over a partition which was added later begins where its owner was', async () => {
    const server = await shared('kafka')
    const [{ queue }, { queue: other }] = [await open({ partitions: 1 }), await open({ partitions: 1 })]
    const topic = newTopic()
    const [byOne, byOther] = [[] as string[], [] as string[]]
    await queue.subscribe(topic, ({ data }) => void byOne.push(String(data)))
    await withAdmin(server, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] }))
    const subscription = await other.subscribe(topic, ({ data }) => void byOther.push(String(data)))
    const write = (values: readonly string[]): Promise<unknown> =>
      withProducer(server, (producer) =>
        producer.send({ topic, messages: values.map((value) => ({ value: JSON.stringify(value), partition: 1 })) }),
      )
    await write(['a', 'b', 'c'])
    await until(() => byOther.length === 3, { what: 'the new partition to be read', timeoutMs: 20_000 })
    await until(async () => (await committedOffsets(server, { topic, group: 'g' })) === 3, { what: 'it to be told' })
    await subscription.stop()
    await write(['d'])
    await until(() => byOne.includes('d'), { what: 'the takeover', timeoutMs: 20_000 })
    expect([byOther, byOne]).toEqual([['a', 'b', 'c'], ['d']])
  })
})

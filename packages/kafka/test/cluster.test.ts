import { setTimeout as sleep } from 'node:timers/promises'
import { brokers, type KafkaCluster, type KafkaNode, kafkaCluster, until } from '@mq/test-brokers'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster } from '../src/driver/cluster.js'
import { ask } from '../src/driver/protocol.js'
import { newTopic, open } from './support/open.js'

interface MetadataAnswer {
  readonly topicMetadata: readonly {
    readonly partitionMetadata: readonly { readonly leader: number; readonly isr: readonly number[] }[]
  }[]
}

const slow = { timeoutMs: 60_000 } as const

describe.skipIf(!brokers.owned('kafka'))('a cluster of several brokers', () => {
  let cluster: KafkaCluster
  let first: KafkaNode
  let second: KafkaNode
  let admin: Admin
  let metadata: Cluster

  beforeAll(async () => {
    // So a broker that comes back does not know how far its logs are committed.
    cluster = await kafkaCluster({ config: { 'replica.high.watermark.checkpoint.interval.ms': '3600000' } })
    const [one, other] = cluster.nodes
    if (one === undefined || other === undefined) throw new Error('There must be two')
    first = one
    second = other
    const client = new Kafka({ brokers: [first.address, second.address], logLevel: logLevel.NOTHING })
    metadata = new Cluster({ client, requestTimeoutMs: 5_000, connectTimeoutMs: 5_000 })
    admin = client.admin()
    await admin.connect()
  })
  afterAll(async () => {
    await admin?.disconnect()
    metadata?.close()
    await cluster?.stop()
  })

  /** Creates the topics of a group, with one copy of each partition: on the first broker, but for those in `second`. */
  async function create(topic: string, second: { readonly main?: number; readonly dead?: boolean }): Promise<void> {
    const on = (partitions: number, isSecond: (partition: number) => boolean) =>
      Array.from({ length: partitions }, (_, partition) => ({ partition, replicas: [isSecond(partition) ? 2 : 1] }))
    const topics = [
      { topic, replicaAssignment: on(3, (partition) => partition === second.main) },
      { topic: `${topic}---delay`, replicaAssignment: on(1, () => false) },
      { topic: `${topic}--g---retry`, replicaAssignment: on(7, () => false) },
      { topic: `${topic}--g---dead`, replicaAssignment: on(2, () => second.dead ?? false) },
    ]
    await admin.createTopics({ topics, waitForLeaders: false })
    for (const { topic: made } of topics) await until(async () => (await leaders(made)).length > 0, { what: made })
  }
  const leaders = async (topic: string): Promise<readonly number[]> =>
    ((await metadata.partitionsOf(topic, { fresh: true }).catch(() => [])) ?? []).map(({ leader }) => leader)
  /** Asks that broker, because another one may have been away and know an older state. */
  const seenBy = async (node: KafkaNode, topic: string) => {
    const broker = await metadata.node(node.id)
    const answer = await metadata.request(broker, (one) =>
      ask<MetadataAnswer>(one, 'Metadata', { topics: [topic], allowAutoTopicCreation: false }),
    )
    return answer.topicMetadata[0]?.partitionMetadata ?? []
  }

  it('has all dead letters as soon as their broker is back', async () => {
    const topics = Array.from({ length: 10 }, newTopic)
    const { queue } = await open({ url: cluster.url })
    // With more partitions, the broker takes longer until it leads them.
    const others = Array.from({ length: 300 }, (_, partition) => ({ partition, replicas: [second.id] }))
    await admin.createTopics({ topics: [{ topic: newTopic(), replicaAssignment: others }], waitForLeaders: false })
    for (const topic of topics) {
      await create(topic, { dead: true })
      const subscription = await queue.subscribe(
        topic,
        () => {
          throw new Error('hopeless')
        },
        { retry: { attempts: 1 } },
      )
      await queue.publish(topic, 1)
      await until(async () => (await queue.stats(topic)).dead === 1, { what: 'the dead letter', ...slow })
      await subscription.stop()
    }
    await second.kill()
    const last = `${topics.at(-1)}--g---dead`
    await until(async () => (await leaders(last)).includes(-1), { what: 'no leader', ...slow })
    await second.start()
    // The broker calls itself the leader before it leads its partitions, so the list is asked for all the time.
    for (const endsAt = Date.now() + 60_000; Date.now() < endsAt; ) if ((await leaders(last)).includes(second.id)) break
    const lists = topics.map(async (topic) => {
      const found: number[] = []
      for (let count = 0; count < 20; count++) found.push((await queue.deadLetters(topic).list()).length)
      return found
    })
    for (const found of await Promise.all(lists)) expect(new Set(found)).toEqual(new Set([1]))
  }, 180_000)

  it('lets consumers read the partitions that have a leader, and the others once they have one', async () => {
    const topic = newTopic()
    await create(topic, { main: 1 })
    const { queue } = await open({ url: cluster.url })
    await queue.declareGroup(topic, 'g')
    await second.kill()
    await until(async () => (await leaders(topic)).includes(-1), { what: 'no leader', ...slow })
    const { queue: starting } = await open({ url: cluster.url })
    const seen = new Set<unknown>()
    await starting.subscribe(topic, ({ data }) => void seen.add(data))
    const stored = new Set<number>()
    const publish = async (number: number, timeoutMs: number): Promise<void> => {
      await queue.publish(topic, number, { key: String(number), timeoutMs })
      stored.add(number)
    }
    const early = await Promise.allSettled(Array.from({ length: 30 }, (_, number) => publish(number, 3_000)))
    const refused = early.filter(({ status }) => status === 'rejected').length
    expect(refused).toBeGreaterThan(0)
    expect(stored.size).toBe(30 - refused)
    await until(() => [...stored].every((number) => seen.has(number)), { what: 'what has a leader', ...slow })
    await second.start()
    await Promise.all(Array.from({ length: 30 }, (_, number) => publish(100 + number, 60_000)))
    await until(() => [...stored].every((number) => seen.has(number)), { what: 'all of it', ...slow })
  }, 180_000)

  it.each(['killed', 'frozen'] as const)(
    'loses nothing of what has two copies, whichever broker is %s, and goes on without it',
    async (how) => {
      const topic = newTopic()
      const twice = { url: cluster.url, replicationFactor: 2, sessionTimeoutMs: 6_000, requestTimeoutMs: 3_000 }
      const [{ queue }, { queue: other }] = [await open(twice), await open(twice)]
      const seen = new Set<unknown>()
      const note = async ({ data }: { readonly data: unknown }): Promise<void> => {
        await sleep(5)
        seen.add(data)
      }
      await queue.subscribe(topic, note)
      await other.subscribe(topic, note)
      const stored: number[] = []
      let next = 0
      let isOver = false
      const publish = async (): Promise<void> => {
        while (!isOver) {
          const number = next++
          await queue.publish(topic, number, { key: String(number), timeoutMs: 60_000 })
          stored.push(number)
          await sleep(10)
        }
      }
      const publishing = Promise.all(Array.from({ length: 10 }, publish))
      const more = async (what: string): Promise<void> => {
        const [before, handled] = [stored.length, seen.size]
        const isMore = (): boolean => stored.length > before + 100 && seen.size > handled + 100
        await until(isMore, { what: `a hundred to be stored and handled ${what}`, ...slow })
      }
      for (const [node, beside] of [
        [second, first],
        [first, second],
      ] as const) {
        await more(`beside ${node.id}`)
        await (how === 'killed' ? node.kill() : node.pause())
        const hasMoved = async (): Promise<boolean> =>
          (await seenBy(beside, topic)).every(({ leader }) => leader === beside.id)
        await until(hasMoved, { what: `${beside.id} to lead all`, ...slow })
        await more(`without ${node.id}`)
        await (how === 'killed' ? node.start() : node.resume())
        const isWhole = async (): Promise<boolean> => (await seenBy(beside, topic)).every(({ isr }) => isr.length === 2)
        await until(isWhole, { what: 'both copies', ...slow })
      }
      isOver = true
      await publishing
      await until(() => stored.every((number) => seen.has(number)), { what: 'all of them', ...slow })
      await until(() => queue.health().status === 'up', { what: 'good health', ...slow })
    },
    240_000,
  )
})

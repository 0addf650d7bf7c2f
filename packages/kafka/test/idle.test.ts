import type { Socket } from 'node:net'
import { brokers, proxy, shared, until } from '@mq/test-brokers'
import { type ISocketFactory, Kafka, type KafkaConfig } from 'kafkajs'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { newTopic, open } from './support/open.js'
import { withAdmin } from './support/outside.js'

/** The place of the key in a request, behind its length, and the key of requests to fetch. */
const keyAt = 4
const fetchKey = 1
/** The beginning of the fields of a request to fetch, behind its header: how long to wait, and after that how many topics it names. */
const fieldsAt = { maxWaitMs: 4, topics: 25 }

interface Fetched {
  readonly maxWaitMs: number
  readonly topics: number
}

/** Makes clients whose sockets are counted, and whose requests to fetch are read. */
function watched() {
  const sockets: Socket[] = []
  const fetched: Fetched[] = []
  const read = (request: Buffer): void => {
    if (request.readInt16BE(keyAt) !== fetchKey) return
    const fields = keyAt + 10 + request.readInt16BE(keyAt + 8)
    fetched.push({
      maxWaitMs: request.readInt32BE(fields + fieldsAt.maxWaitMs),
      topics: request.readInt32BE(fields + fieldsAt.topics),
    })
  }
  const createClient = (config: KafkaConfig): Kafka =>
    new Kafka({
      ...config,
      socketFactory(options) {
        const socket = (config.socketFactory as ISocketFactory)(options)
        const write = socket.write.bind(socket) as (data: Buffer, ...rest: unknown[]) => boolean
        socket.write = (data: unknown, ...rest: unknown[]) => {
          if (Buffer.isBuffer(data)) read(data)
          return write(data as Buffer, ...rest)
        }
        sockets.push(socket)
        return socket
      },
    })
  return { createClient, fetched, open: () => sockets.filter(({ closed }) => !closed).length }
}

const groups = Array.from({ length: 50 }, (_, index) => `g${index}`)

const topics = Array.from({ length: 4 }, newTopic)
const pairs = topics.flatMap((topic) => groups.map((group) => ({ topic, group })))

/** Creates the topics of all groups with one request, which takes a broker less time than a request for each. */
async function createAll(): Promise<void> {
  const ofGroups = topics.flatMap((topic) =>
    groups.flatMap((group) => [
      { topic: `${topic}--${group}---retry`, numPartitions: 7 },
      { topic: `${topic}--${group}---dead`, numPartitions: 2 },
    ]),
  )
  const own = topics.flatMap((topic) => [topic, `${topic}---delay`].map((name) => ({ topic: name, numPartitions: 1 })))
  const all = [...own, ...ofGroups]
  await withAdmin(await shared('kafka'), async (admin) => {
    await admin.createTopics({ topics: all, waitForLeaders: false, timeout: 60_000 })
    const areThere = async (): Promise<boolean> => {
      const found = new Set(await admin.listTopics())
      return all.every(({ topic }) => found.has(topic))
    }
    await until(areThere, { what: 'the topics', timeoutMs: 60_000 })
  })
}

describe.skipIf(!brokers.wanted('kafka'))('200 subscriptions of one process', () => {
  beforeAll(createAll)

  it('that have nothing to do hold at most 8 sockets, and ask for nothing that they have asked for before', {
    timeout: 240_000,
  }, async () => {
    const client = watched()
    const { queue } = await open({ createTopics: false, createClient: client.createClient })
    const handled = new Set<string>()
    const subscribe = ({ topic, group }: (typeof pairs)[number]) =>
      queue.subscribe(topic, () => void handled.add(`${topic} ${group}`), { group })
    await Promise.all(pairs.map(subscribe))

    const isAtRest = (): boolean => client.open() <= 8 && client.fetched.slice(-4).every(({ topics }) => topics === 0)
    await until(isAtRest, { what: 'the process to be at rest', timeoutMs: 60_000 })
    const before = client.fetched.length
    await until(() => client.fetched.length >= before + 4, { what: 'four requests', timeoutMs: 60_000 })
    // One for new messages and one for what waits, over and over.
    expect(client.fetched.slice(before)).toEqual(Array(4).fill({ maxWaitMs: 5_000, topics: 0 }))
    expect(client.open()).toBeLessThanOrEqual(8)

    await Promise.all(topics.map((topic) => queue.publish(topic, 1)))
    await until(() => handled.size === pairs.length, { what: 'a message to each', timeoutMs: 60_000 })
  })

  it('hold at most 8 sockets if their memberships live in a thread, and those are closed by disconnect()', {
    timeout: 240_000,
  }, async () => {
    const link = await proxy(await shared('kafka'))
    onTestFinished(() => link.close())
    const { queue } = await open({ createTopics: false, url: link.url })
    expect(queue.health().maxStallMs).toBe(300_000)
    await Promise.all(pairs.map(({ topic, group }) => queue.subscribe(topic, () => {}, { group })))
    await until(() => link.connections <= 8, { what: 'the process to be at rest', timeoutMs: 60_000 })
    await queue.disconnect({ timeoutMs: 5_000 })
    await until(() => link.connections === 0, { what: 'all sockets to be closed', timeoutMs: 10_000 })
  })
})

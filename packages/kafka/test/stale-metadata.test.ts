import type { Kafka } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { Cluster } from '../src/driver/cluster.js'

interface View {
  readonly topic: string
  readonly topicErrorCode: number
  readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[]
}

const unknown: View = { topic: 't', topicErrorCode: 3, partitionMetadata: [] }
const ledBy = (leader: number): View => ({
  topic: 't',
  topicErrorCode: 0,
  partitionMetadata: [{ partitionId: 0, leader }],
})

/** A cluster of which each broker has a view of its own, because one of them hears of changes late. */
function clusterOf(views: Readonly<Record<number, View>>): Cluster {
  const brokers = Object.keys(views).map((id) => ({ nodeId: Number(id), host: `b${id}`, port: 9092 }))
  const send = (host: string) => async () => ({
    brokers,
    controllerId: 1,
    topicMetadata: [views[Number(host.slice(1))]],
  })
  const createCluster = () => ({
    rootLogger: undefined,
    connectionPoolBuilder: {
      build: async ({ host, port } = { host: 'b1', port: 9092 }) => ({ host, port, pool: [], send: send(host) }),
    },
    brokerPool: {
      createBroker: ({ connectionPool }: { readonly connectionPool: object }) => ({
        connectionPool,
        versions: {
          0: { minVersion: 3, maxVersion: 7 },
          1: { minVersion: 4, maxVersion: 10 },
          19: { minVersion: 0, maxVersion: 4 },
        },
        isConnected: () => true,
        connect: async () => {},
        lookupRequest: () => () => ({ request: {}, response: {} }),
      }),
    },
  })
  const client = { [Symbol('private:Kafka:createCluster')]: createCluster } as unknown as Kafka
  return new Cluster({ client, requestTimeoutMs: 1_000, connectTimeoutMs: 1_000 })
}

describe('a broker that hears of changes late', () => {
  it('is not asked again about a topic that it does not know', async () => {
    const cluster = clusterOf({ 1: unknown, 2: ledBy(2) })
    expect(await cluster.partitionsOf('t')).toBeUndefined()
    expect(await cluster.partitionsOf('t')).toEqual([{ partition: 0, leader: 2 }])
  })

  it('is not asked again for a leader that turned out to be none', async () => {
    const cluster = clusterOf({ 1: ledBy(1), 2: ledBy(2) })
    expect(await cluster.partitionsOf('t')).toEqual([{ partition: 0, leader: 1 }])
    cluster.forget('t')
    expect(await cluster.partitionsOf('t')).toEqual([{ partition: 0, leader: 2 }])
    cluster.forget('t')
    expect(await cluster.partitionsOf('t')).toEqual([{ partition: 0, leader: 1 }])
  })

  it('is asked again for a partition that it did not know', async () => {
    const views = { 1: ledBy(1) }
    const cluster = clusterOf(views)
    await cluster.partitionsOf('t')
    views[1] = { ...ledBy(1), partitionMetadata: [0, 1].map((partitionId) => ({ partitionId, leader: 1 })) }
    await expect(cluster.leader('t', 1)).rejects.toMatchObject({ type: 'UNKNOWN_TOPIC_OR_PARTITION' })
    expect((await cluster.leader('t', 1)).connectionPool).toMatchObject({ host: 'b1' })
  })

  it('does not matter as long as nothing is in doubt', async () => {
    const cluster = clusterOf({ 1: ledBy(1), 2: ledBy(2) })
    for (let count = 0; count < 3; count++)
      expect(await cluster.partitionsOf('t', { fresh: true })).toEqual([{ partition: 0, leader: 1 }])
  })
})

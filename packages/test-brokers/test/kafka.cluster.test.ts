import { describe, expect, it, onTestFinished } from 'vitest'
import { brokers, kafkaCluster, until } from '../src/index.js'
import { kafkaClient, withAdmin } from './drivers/kafka.js'

describe.skipIf(!brokers.owned('kafka'))('several Kafka processes', () => {
  it('are a controller and brokers that die and come back one by one', async () => {
    const cluster = await kafkaCluster()
    onTestFinished(() => cluster.stop())
    const [first, second] = cluster.nodes
    if (first === undefined || second === undefined) throw new Error('There must be two')
    /** Asks only the first broker. A client that knows the other one would ask that too. */
    const alive = async (): Promise<readonly number[]> => {
      const client = kafkaClient({ brokers: [first.address] })
      const { brokers: found } = await withAdmin(client, (admin) => admin.describeCluster())
      return found.map(({ nodeId }) => nodeId).sort()
    }
    const untilAlive = async (...ids: readonly number[]): Promise<void> => {
      const isSo = async (): Promise<boolean> => String(await alive()) === String(ids)
      await until(isSo, { what: `the brokers ${ids}`, timeoutMs: 30_000 })
    }
    await untilAlive(first.id, second.id)
    await second.kill()
    await untilAlive(first.id)
    await second.start()
    await untilAlive(first.id, second.id)
    expect(cluster.url).toBe(`kafka://${first.address},${second.address}`)
  }, 120_000)
})

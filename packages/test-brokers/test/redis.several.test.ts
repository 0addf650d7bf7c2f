import { Cluster, Redis } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { brokers, redisCluster, redisSentinel, until } from '../src/index.js'

describe.skipIf(!brokers.owned('redis'))('several Redis processes', () => {
  it('are a cluster of three masters, which survives a SIGKILL of all', async () => {
    const server = await redisCluster()
    onTestFinished(() => server.stop())
    /** Returns how many keys each of the masters has. */
    const write = async (): Promise<number[]> => {
      const cluster = new Cluster([...server.nodes], { lazyConnect: true })
      cluster.on('error', () => {})
      await cluster.connect()
      for (let number = 0; number < 100; number++) await cluster.set(`key-${number}`, number)
      const sizes = await Promise.all(cluster.nodes('master').map((node) => node.dbsize()))
      cluster.disconnect()
      return sizes
    }
    const before = await write()
    expect(before).toHaveLength(3)
    for (const size of before) expect(size).toBeGreaterThan(0)
    await server.kill()
    await server.restart()
    expect(await write()).toEqual(before)
  }, 120_000)

  it('are a master and a replica that a Sentinel exchanges', async () => {
    const { sentinel, name, failover, stop } = await redisSentinel()
    onTestFinished(() => stop())
    const client = new Redis({ sentinels: [sentinel], name, lazyConnect: true, reconnectOnError: () => 2 })
    client.on('error', () => {})
    await client.connect()
    onTestFinished(() => client.disconnect())
    await client.set('key', 'value')
    const port = client.options.port
    await failover()
    await until(async () => (await client.set('after', 'value')) === 'OK', { what: 'a write', timeoutMs: 20_000 })
    expect(await client.get('key')).toBe('value')
    expect(port).toBeDefined()
  }, 120_000)
})

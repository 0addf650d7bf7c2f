import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { brokers, type RedisServer, redis } from '../src/index.js'
import { connectRedis, redisDriver } from './drivers/redis.js'
import { processSuite } from './suites/process.js'

describe.skipIf(!brokers.owned('redis'))('Redis', () => {
  processSuite({ server: () => redis(), driver: redisDriver })

  // These need many restarts, so only the fastest broker is tested.
  describe('restart()', () => {
    let server: RedisServer
    beforeAll(async () => {
      server = await redis()
    })
    afterAll(async () => {
      await server?.stop()
    })

    const cases: Record<string, () => Promise<unknown>> = {
      'a running one': () => server.restart(),
      'a running one that is asked to end': () => server.restart({ graceful: true }),
      'a killed one': () => server.kill().then(() => server.restart()),
      'a paused one': () => server.pause().then(() => server.restart()),
      'a paused one that was killed': () =>
        server
          .pause()
          .then(() => server.kill())
          .then(() => server.restart()),
      'a resumed one': () =>
        server
          .pause()
          .then(() => server.resume())
          .then(() => server.restart()),
    }
    it.each(Object.keys(cases))('brings back %s with its data and port', async (name) => {
      const { url } = server
      const before = await connectRedis(url)
      await before.set(name, 'kept')
      before.disconnect()
      await cases[name]?.()
      const after = await connectRedis(server.url)
      expect(server.url).toBe(url)
      expect(await after.get(name)).toBe('kept')
      after.disconnect()
    })
  })

  it('syncs every write to its append-only file, and evicts nothing', async () => {
    const server = await redis()
    const client = await connectRedis(server.url)
    const settings = await client.config('GET', 'append*', 'maxmemory-policy')
    expect(settings).toEqual(expect.arrayContaining(['appendonly', 'yes', 'appendfsync', 'always', 'noeviction']))
    client.disconnect()
    await server.stop()
  })
})

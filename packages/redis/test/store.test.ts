import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import { storeConformance } from '@mq/core/conformance'
import { type RedisStore, type RedisStoreOptions, redisStore } from '@mq/redis'
import { brokers, proxy, type RedisServer, redis as startRedis } from '@mq/test-brokers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { client } from './support/open.js'

describe.skipIf(!brokers.owned('redis'))('redisStore', () => {
  let server: RedisServer
  const opened: RedisStore[] = []
  const prefix = 'store:test:'
  const open = (options: RedisStoreOptions = {}): RedisStore => {
    const store = redisStore({ url: server.url, prefix, ...options })
    opened.push(store)
    return store
  }
  beforeAll(async () => {
    server = await startRedis({ password: 'secret' })
  })
  afterAll(async () => {
    await Promise.all(opened.map((store) => store.disconnect()))
    await server?.stop()
  })

  storeConformance({ describe, it }, { open: async () => [open(), open()] })

  it('writes below its prefix alone, and with a time to live', async () => {
    const [key, raw] = [randomUUID(), await client(server.url)]
    await open().claim(key, 'a', { ttlMs: 5_000 })
    expect(await raw.get(prefix + key)).toBe('a')
    expect(await raw.pttl(prefix + key)).toBeGreaterThan(4_000)
  })

  it('works with a client of the application, and leaves it open', async () => {
    const own = await client(server.url)
    const store = redisStore({ client: own, prefix })
    const key = randomUUID()
    expect(await store.claim(key, 'a', { ttlMs: 5_000 })).toBe('a')
    await store.disconnect()
    await expect(store.get(key)).rejects.toMatchObject({ code: 'MQ_CLOSED' })
    expect(await own.get(prefix + key)).toBe('a')
  })

  it('goes on after its connection was cut, and a claim whose answer was lost is ours', async () => {
    const link = await proxy(server)
    onTestFinished(() => link.close())
    const store = open({ url: link.url })
    await store.put('cut', 'a', { ttlMs: 60_000 })
    await link.cut()
    expect(await store.get('cut')).toBe('a')
    await link.dropAfter(0, 'out')
    const key = randomUUID()
    expect(await store.claim(key, 'mine', { ttlMs: 60_000 })).toBe('mine')
  })

  it('gives up in time on a server that is silent, gone or refuses, and shows no password', async () => {
    const link = await proxy(server)
    onTestFinished(() => link.close())
    const quick = { connectTimeoutMs: 500, commandTimeoutMs: 1_000 }
    const frozen = open({ url: link.url, ...quick })
    await frozen.put('frozen', 'a', { ttlMs: 60_000 })
    await link.freeze('both')
    const wrong = server.url.replace('secret', 'a-wrong-secret')
    const closed = server.url.replace(/:\d+(\/|$)/, ':1$1')
    const stores = [frozen, open({ url: link.url, ...quick }), open({ url: closed, ...quick }), open({ url: wrong })]
    const codes = []
    for (const store of stores) {
      const startedAt = performance.now()
      const error = await store.get('frozen').catch((reason: unknown) => reason)
      expect(performance.now() - startedAt).toBeLessThan(2_000)
      expect(inspect(error, { depth: 9 })).not.toContain('secret')
      codes.push((error as { code: string }).code)
    }
    expect(codes).toEqual([
      expect.stringMatching(/MQ_TIMEOUT|MQ_CONNECTION_LOST/),
      'MQ_CONNECT_TIMEOUT',
      'MQ_CONNECT_FAILED',
      'MQ_AUTH_FAILED',
    ])
  })

  it('refuses options that make no sense', () => {
    expect(() => redisStore({ prefix: '{a}' })).toThrow('prefix')
    expect(() => redisStore({ client: {} as never })).toThrow(TypeError)
  })
})

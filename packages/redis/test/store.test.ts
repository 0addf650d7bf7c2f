import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { storeConformance } from '@mq/core/conformance'
import { type RedisStore, type RedisStoreOptions, redisStore } from '@mq/redis'
import { brokers, proxy, type RedisServer, redis as startRedis, until } from '@mq/test-brokers'
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

  it('writes only below its prefix, and with a time to live', async () => {
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

  it('continues after its connection was cut, and keeps a claim whose answer was lost', async () => {
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

  it('gives up in time on a server that is silent, gone or refusing, and shows no password', async () => {
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

  it('leaves nothing behind: each key that it writes has a time to live', async () => {
    const [key, raw, store] = [randomUUID(), await client(server.url), open()]
    await store.put(key, 'a', { ttlMs: 5_000 })
    await store.compareAndSet(key, 'b', { expected: 'a', ttlMs: 5_000 })
    await store.leases.acquire(key, { holder: 'a', limit: 2, ttlMs: 9_000 })
    await store.leases.acquire(key, { holder: 'b', limit: 2, ttlMs: 5_000 })
    await store.leases.renew(key, { holder: 'b', ttlMs: 6_000 })
    await store.take(key, { limit: 1, windowMs: 5_000 })
    const keys = await raw.keys(`${prefix}*${key}`)
    expect(keys).toHaveLength(3)
    for (const each of keys) {
      const ttlMs = await raw.pttl(each)
      expect(ttlMs, each).toBeGreaterThan(4_000)
      expect(ttlMs, each).toBeLessThan(9_100)
    }
    expect(await raw.pttl(keys.find((each) => each.includes('lease')) ?? '')).toBeGreaterThan(8_000)
    await store.leases.release(key, { holder: 'a' })
    await store.leases.release(key, { holder: 'b' })
    expect(await raw.keys(`${prefix}*lease*${key}`)).toEqual([])
  })

  it('keeps no more of a counter than its window needs, however many slots are reserved', async () => {
    const [key, raw, store] = [randomUUID(), await client(server.url), open()]
    const options = { limit: 1, windowMs: 60_000, maxWaitMs: 86_400_000 }
    for (let call = 0; call < 300; call++) {
      const answer = await store.take(key, options)
      const slot = Math.round((answer.granted ? answer.waitMs : 0) / 60_600)
      expect(slot).toBe(call)
    }
    expect(await raw.hlen(`${prefix}~window:60000:${key}`)).toBeLessThanOrEqual(102)
    expect(await raw.pttl(`${prefix}~window:60000:${key}`)).toBeGreaterThan(299 * 60_000)
  })

  it('gives slots in their order also where the server keeps them in none', async () => {
    const [key, raw, store] = [randomUUID(), await client(server.url), open()]
    await raw.config('SET', 'hash-max-listpack-entries', '0')
    onTestFinished(async () => void (await raw.config('SET', 'hash-max-listpack-entries', '128')))
    const options = { limit: 20, windowMs: 2_000, maxWaitMs: 60_000 }
    const startedAt = performance.now()
    let firstAt = Number.POSITIVE_INFINITY
    for (let call = 0; call < 20; call++) {
      await store.take(key, options)
      firstAt = Math.min(firstAt, performance.now())
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    // When each turn is: the server counts from some time between the two.
    const turns: { readonly from: number; readonly to: number }[] = []
    for (let call = 0; call < 20; call++) {
      const askedAt = performance.now()
      const answer = await store.take(key, options)
      const waitMs = answer.granted ? answer.waitMs : Number.NaN
      turns.push({ from: askedAt + waitMs, to: performance.now() + waitMs })
    }
    // Each takes the place of one that was taken a window before.
    const [first, last] = [turns[0], turns[19]] as const
    expect(first?.to).toBeGreaterThan(startedAt + 2_000)
    expect(first?.from).toBeLessThan(firstAt + 2_060)
    for (const [index, { to }] of turns.entries()) expect(to).toBeGreaterThan((turns[index - 1]?.from ?? 0) - 5)
    expect((last?.to ?? 0) - (first?.from ?? 0)).toBeGreaterThan(400)
  })

  it('needs no other commands than the README names', async () => {
    const raw = await client(server.url)
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
    const [, section = ''] = readme.split('## A store for tasks')
    const named = new Set([...section.matchAll(/`([A-Z]{3,})`/g)].map(([, name]) => `+${name?.toLowerCase()}`))
    const rights = ['on', '>of-a-store', `~${prefix}*`, '-@all', '+@connection', '+info', ...named]
    await raw.call('ACL', 'SETUSER', 'store', ...rights)
    onTestFinished(async () => void (await raw.call('ACL', 'DELUSER', 'store')))
    const store = open({ username: 'store', password: 'of-a-store' })
    const [key, ttlMs] = [randomUUID(), 5_000]
    await store.claim(key, 'a', { ttlMs })
    expect(await store.compareAndSet(key, 'b', { expected: 'a', ttlMs })).toBe(true)
    expect(await store.get(key)).toBe('b')
    expect(await store.delete(key, { expected: 'b' })).toBe(true)
    await store.put(key, 'a', { ttlMs })
    expect(await store.delete(key)).toBe(true)
    expect(await store.leases.acquire(key, { holder: 'a', ttlMs })).toEqual({ granted: true })
    expect((await store.leases.acquire(key, { holder: 'b', ttlMs })).granted).toBe(false)
    expect(await store.leases.renew(key, { holder: 'a', ttlMs })).toBe(true)
    await store.leases.release(key, { holder: 'a' })
    const options = { limit: 1, windowMs: 20, maxWaitMs: 60_000 }
    for (let call = 0; call < 30; call++) expect((await store.take(key, options)).granted).toBe(true)
  })

  it('uses one key at a time, as a cluster requires', async () => {
    const own = await client(server.url)
    const seen: (readonly unknown[])[] = []
    const call = own.callBuffer.bind(own)
    own.callBuffer = ((...args: Parameters<typeof call>) => {
      seen.push(args)
      return call(...args)
    }) as typeof own.callBuffer
    const store = redisStore({ client: own, prefix })
    await store.delete('a', { expected: 'b' })
    await store.leases.acquire('a', { holder: 'h', ttlMs: 1_000 })
    await store.leases.renew('a', { holder: 'h', ttlMs: 1_000 })
    await store.take('a', { limit: 1, windowMs: 1_000 })
    const scripts = seen.flatMap(([, args]) => (Array.isArray(args) ? [args[1] as unknown] : []))
    expect(new Set(scripts)).toEqual(new Set([1]))
  })

  it('never repeats a compare-and-set or a delete of a client that repeats commands', async () => {
    const link = await proxy(server)
    onTestFinished(() => link.close())
    const own = await client(link.url)
    const store = redisStore({ client: own, prefix })
    onTestFinished(() => store.disconnect())
    const [key, ttlMs] = [randomUUID(), 60_000]
    await store.put(key, 'a', { ttlMs })
    // Makes the script known to the server. Otherwise the lost answer would be that it does not know it.
    await store.compareAndSet(key, 'x', { expected: 'y', ttlMs })
    await link.dropAfter(0, 'out')
    const swap = store.compareAndSet(key, 'b', { expected: 'a', ttlMs })
    await expect(swap).rejects.toMatchObject({ code: 'MQ_CONNECTION_LOST' })
    expect(await store.get(key)).toBe('b')
    expect(await store.compareAndSet(key, 'c', { expected: 'b', ttlMs })).toBe(true)
    await link.dropAfter(0, 'out')
    await expect(store.delete(key)).rejects.toMatchObject({ code: 'MQ_CONNECTION_LOST' })
    expect(await store.get(key)).toBeUndefined()
    await store.disconnect()
    expect(own.status).toBe('ready')
    await until(() => link.connections === 1, { what: 'the duplicate to be closed' })
  })

  it('repeats a call whose answer was lost, unless a second run would answer differently', async () => {
    const link = await proxy(server)
    onTestFinished(() => link.close())
    const store = open({ url: link.url })
    const lost = async <T>(call: () => Promise<T>): Promise<T> => {
      await store.get('up')
      await link.dropAfter(0, 'out')
      return call()
    }
    const [key, name] = [randomUUID(), randomUUID()]
    const ttlMs = 60_000
    // Makes the scripts known to the server. Otherwise the lost answer would be that it does not know them.
    await store.compareAndSet(key, 'x', { expected: 'y', ttlMs })
    await store.leases.acquire(randomUUID(), { holder: 'x', ttlMs })
    await store.take(randomUUID(), { limit: 1, windowMs: ttlMs })
    await store.put(key, 'a', { ttlMs })
    const swap = lost(() => store.compareAndSet(key, 'b', { expected: 'a', ttlMs }))
    await expect(swap).rejects.toMatchObject({
      code: 'MQ_CONNECTION_LOST',
      message: expect.stringContaining('The connection was lost before the answer came'),
    })
    expect(await store.get(key)).toBe('b')
    await expect(lost(() => store.delete(key))).rejects.toMatchObject({ code: 'MQ_CONNECTION_LOST' })
    expect(await store.get(key)).toBeUndefined()
    expect(await lost(() => store.leases.acquire(name, { holder: 'mine', ttlMs }))).toEqual({ granted: true })
    expect(await lost(() => store.take(name, { limit: 2, windowMs: ttlMs }))).toEqual({ granted: true, waitMs: 0 })
    expect((await store.take(name, { limit: 2, windowMs: ttlMs })).granted).toBe(false)
  })

  it.each([
    ['a name that it does not know', { keyPrefix: 'a' }, /redisStore\(\) has no option 'keyPrefix'.*prefix/],
    ['an option of redis() that a store has no use for', { visibilityMs: 1_000 }, /redisStore\(\) has no option/],
    ['another one', { retain: 1_000 }, /redisStore\(\) has no option 'retain'/],
    ['a prefix with a space', { prefix: 'a b' }, /^prefix has 1 to 100/],
    ['a prefix with braces', { prefix: '{a}' }, /^prefix has/],
    ['no time at all', { commandTimeoutMs: 0 }, /commandTimeoutMs must be a whole number from 100/],
    ['a client and where to connect', { client: { call: () => {} }, url: 'redis://a' }, /client and url exclude/],
    [
      'a client and how long that may take',
      { client: { call: () => {} }, connectTimeoutMs: 500 },
      /exclude each other/,
    ],
  ])('refuses %s', (_, options, text) => {
    expect(() => redisStore(options as RedisStoreOptions)).toThrow(text)
    expect(() => redisStore(options as RedisStoreOptions)).toThrow(
      expect.objectContaining({ code: 'MQ_INVALID_OPTION' }),
    )
  })

  it('refuses options of a wrong type', () => {
    expect(() => redisStore(null as never)).toThrow('redisStore() takes an object of options')
    expect(() => redisStore({ prefix: 5 as never })).toThrow(new TypeError('prefix must be a string, not number'))
    expect(() => redisStore({ client: {} as never })).toThrow(TypeError)
    expect(() => redisStore({ client: null as never })).toThrow(TypeError)
  })

  it('accepts every commandTimeoutMs from 100 on, because it has no pollMs', () => {
    expect(() => redisStore({ commandTimeoutMs: 100 })).not.toThrow()
  })
})

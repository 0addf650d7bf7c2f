import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, connect as netConnect, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { createQueue } from '@mq/core'
import { type RedisOptions, redis, redisStore } from '@mq/redis'
import { brokers, shared, until } from '@mq/test-brokers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settingsOf } from '../src/options.js'
import { newTopic, open } from './support/open.js'

describe('the address of a unix socket', () => {
  it.each<[RedisOptions, object]>([
    [{ url: 'redis+unix:///run/redis.sock' }, { path: '/run/redis.sock', db: 0 }],
    [{ url: 'unix:///run/redis.sock' }, { path: '/run/redis.sock', db: 0 }],
    [{ url: 'unix:/run/redis.sock?db=3' }, { path: '/run/redis.sock', db: 3 }],
    [
      { url: 'redis+unix://user:p%40ss@/run/my%20redis.sock?db=2' },
      { path: '/run/my redis.sock', username: 'user', password: 'p@ss', db: 2 },
    ],
    [{ url: 'redis+unix://:p%3Ass@/run/redis.sock' }, { username: undefined, password: 'p:ss' }],
    [
      { url: 'unix:///run/redis.sock?db=3', db: 4, password: 'other' },
      { db: 4, password: 'other' },
    ],
    [{ path: '/run/redis.sock' }, { path: '/run/redis.sock', db: 0 }],
    [
      { path: '/run/redis.sock', url: 'redis://user:pw@host/5' },
      { path: '/run/redis.sock', username: 'user', db: 5 },
    ],
  ])('is read from %j', (options, address) => {
    expect(settingsOf(options).address).toMatchObject(address)
  })

  it.each<[string, RedisOptions, string]>([
    ['no path', { url: 'redis+unix://:canary@' }, 'MQ_INVALID_URL'],
    ['a folder', { url: 'unix:///run/canary/' }, 'MQ_INVALID_URL'],
    ['a host', { url: 'redis+unix://canary/run/redis.sock' }, 'MQ_INVALID_URL'],
    ['another query', { url: 'unix:///run/redis.sock?password=canary' }, 'MQ_INVALID_URL'],
    ['a database that is no number', { url: 'unix:///run/redis.sock?db=canary' }, 'MQ_INVALID_URL'],
    ['a password that is not encoded', { url: 'unix://:canary%zz@/run/redis.sock' }, 'MQ_INVALID_URL'],
    ['a fragment', { url: 'unix:///run/redis.sock#canary' }, 'MQ_INVALID_URL'],
    ['an empty path', { path: '' }, 'MQ_INVALID_OPTION'],
    ['TLS', { path: '/run/redis.sock', tls: true }, 'MQ_INVALID_OPTION'],
    ['a URL with TLS', { path: '/run/redis.sock', url: 'rediss://canary' }, 'MQ_INVALID_OPTION'],
    ['a cluster', { url: 'unix:///run/redis.sock', cluster: true }, 'MQ_INVALID_OPTION'],
    [
      'Sentinels',
      { path: '/run/redis.sock', sentinel: { name: 'm', nodes: [{ host: 'h', port: 1 }] } },
      'MQ_INVALID_OPTION',
    ],
  ])('is refused with %s', (_, options, code) => {
    let error: unknown
    try {
      redis(options)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code })
    expect(inspect(error, { depth: 9 })).not.toContain('canary')
  })

  it('is shown in the error of a connection', async () => {
    const queue = createQueue(redis({ path: '/nowhere/redis.sock', connectTimeoutMs: 1_000 }))
    await expect(queue.connect()).rejects.toMatchObject({
      code: 'MQ_CONNECT_FAILED',
      message: expect.stringContaining('/nowhere/redis.sock'),
    })
  })
})

describe.skipIf(!brokers.wanted('redis'))('over a unix socket', () => {
  let folder: string
  let path: string
  let server: Server
  let credentials: Pick<RedisOptions, 'username' | 'password'>
  beforeAll(async () => {
    const { hostname, port, username, password } = new URL((await shared('redis')).url)
    credentials = { ...(username !== '' && { username }), ...(password !== '' && { password }) }
    folder = await mkdtemp(join(tmpdir(), 'mq-'))
    path = join(folder, 'redis.sock')
    server = createServer((socket) => {
      const upstream = netConnect(Number(port), hostname)
      socket.pipe(upstream).pipe(socket)
      socket.on('error', () => upstream.destroy())
      upstream.on('error', () => socket.destroy())
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
  })
  afterAll(async () => {
    server.close()
    await rm(folder, { recursive: true, force: true })
  })

  it.each<[string, () => RedisOptions]>([
    ['the option', () => ({ path })],
    ['the URL', () => ({ url: `redis+unix://${path}` })],
  ])('publishes and consumes with %s', async (_, options) => {
    const topic = newTopic()
    const queue = await open(undefined, { redis: { ...credentials, ...options() } })
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await queue.publish(topic, 'one')
    await until(() => seen.length === 1, { what: 'the message' })
    expect(queue.health().status).toBe('up')
  })

  it('keeps what tasks have to remember', async () => {
    await using store = redisStore({ ...credentials, url: `unix:${path}` })
    const key = newTopic()
    await store.put(key, 'value', { ttlMs: 10_000 })
    expect(await store.get(key)).toBe('value')
  })
})

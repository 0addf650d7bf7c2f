import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { brokers, proxy, type RedisServer, redis } from '../src/index.js'
import { connectRedis } from './drivers/redis.js'

describe.skipIf(!brokers.owned('redis'))('Redis with TLS, users and a memory limit', () => {
  let server: RedisServer

  beforeAll(async () => {
    server = await redis({
      tls: true,
      password: 'root word',
      users: {
        alice: { password: 'p@ss:/ #word', rules: '~app:* &* +@all -flushall' },
        bob: { password: 'other', rules: '~* +@read +info' },
      },
      maxmemory: '4mb',
    })
  })
  afterAll(async () => {
    await server?.stop()
  })

  const as = (login: string): string => server.url.replace(/\/\/.*@/, `//${login}@`)

  it('accepts a client that trusts its authority and has the first user’s login, which the URL carries', async () => {
    const client = await connectRedis(server.url, server)
    expect(await client.set('app:key', 'value')).toBe('OK')
    expect(await client.call('ACL', 'WHOAMI')).toBe('alice')
    client.disconnect()
  })

  it('is refused by a client that does not know its authority', async () => {
    await expect(connectRedis(server.url)).rejects.toThrow(/certificate|self-signed|verify/i)
  })

  it('answers no client without TLS', async () => {
    await expect(connectRedis(server.url.replace('rediss:', 'redis:'))).rejects.toThrow()
  })

  it('works through a proxy, whose address the certificate covers', async () => {
    const link = await proxy(server)
    const client = await connectRedis(link.url, server)
    expect(await client.set('app:proxied', 'value')).toBe('OK')
    client.disconnect()
    await link.close()
  })

  it.each(['alice:wrong', ':wrong', 'nobody:other'])('refuses the login %s', async (login) => {
    await expect(connectRedis(as(login), server)).rejects.toThrow(/WRONGPASS/)
  })

  it('lets each user do what the rules say', async () => {
    const [alice, bob] = [await connectRedis(server.url, server), await connectRedis(as('bob:other'), server)]
    await expect(alice.flushall()).rejects.toThrow(/NOPERM/)
    await expect(alice.get('elsewhere')).rejects.toThrow(/NOPERM/)
    await expect(bob.set('app:key', 'value')).rejects.toThrow(/NOPERM/)
    expect(await bob.get('app:key')).toBe('value')
    for (const client of [alice, bob]) client.disconnect()
  })

  it('refuses writes over its memory limit, and keeps its data', async () => {
    const client = await connectRedis(as(`:${encodeURIComponent('root word')}`), server)
    await client.set('app:kept', 'value')
    await expect(
      client.set('app:big', 'x'.repeat(8_000_000)).then(() => client.set('app:next', 'value')),
    ).rejects.toThrow(/OOM/)
    expect(await client.get('app:kept')).toBe('value')
    client.disconnect()
  })
})

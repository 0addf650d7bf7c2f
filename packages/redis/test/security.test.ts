import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { createQueue, MqError } from '@mq/core'
import { type RedisOptions, redis } from '@mq/redis'
import { brokers, proxy, type RedisServer, redis as startRedis, until } from '@mq/test-brokers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newTopic, open } from './support/open.js'

/** The rules of the README. Nothing beyond them may be needed. */
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const documented = (/^ACL SETUSER shop on >secret (.*?)^```/ms.exec(readme)?.[1] ?? '').split(/\s+/).join(' ').trim()

describe.skipIf(!brokers.owned('redis'))('security', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis({
      tls: true,
      password: 'root word',
      users: {
        alice: { password: 'p@ss:/ #word', rules: documented },
        bob: { password: 'other', rules: '~mq:* &* +@all -xadd -xclaim' },
        carol: { password: 'other', rules: '~elsewhere:* &* +@all' },
        dave: { password: 'other', rules: '~mq:* &* +@all -evalsha -eval' },
      },
    })
  })
  afterAll(async () => {
    await server?.stop()
  })

  const ca = (): RedisOptions => ({ tls: { ca: server.ca as string } })
  const as = (login: string): string => server.url.replace(/\/\/.*@/, `//${login}@`)
  async function refused(options: RedisOptions): Promise<MqError> {
    const queue = createQueue(redis({ url: server.url, ...ca(), connectTimeoutMs: 3_000, ...options }))
    const startedAt = performance.now()
    const error = await queue.connect().then(
      () => expect.unreachable('it connected'),
      (reason: unknown) => reason,
    )
    expect(performance.now() - startedAt).toBeLessThan(4_000)
    const texts = [inspect(error, { depth: 9 }), JSON.stringify(error), inspect(queue, { depth: 9 })]
    for (const text of texts) expect(text).not.toMatch(/p@ss|p%40ss|secret|root word|root%20word/)
    expect(error).toBeInstanceOf(MqError)
    return error as MqError
  }

  it('lets a user with the documented commands do everything, through TLS', async () => {
    const queue = await open(server.url, { redis: ca() })
    const topic = newTopic()
    const seen: unknown[] = []
    const handler = ({ data, attempt }: { data: unknown; attempt: number }): void => {
      seen.push(data)
      if (attempt === 1) throw new Error('again')
      if (data === 'dies') throw new Error('for ever')
    }
    await queue.subscribe(topic, handler, { retry: { attempts: 2, delayMs: 20 } })
    await queue.subscribe(topic, () => {}, { group: 'ordered', ordered: true })
    await queue.subscribe(topic, () => {}, { ephemeral: true })
    await queue.publish(topic, 'one', { key: 'k' })
    await queue.publish(topic, 'later', { delayMs: 50 })
    await queue.publish(topic, 'dies')
    await until(async () => (await queue.stats(topic)).dead === 1, { what: 'the dead letter' })
    await until(() => seen.length === 6, { what: 'all runs' })
    expect(await queue.deadLetters(topic).replay()).toEqual({ replayed: 1 })
    await until(async () => (await queue.stats(topic)).dead === 1, { what: 'the dead letter' })
    expect(await queue.deadLetters(topic).purge()).toEqual({ purged: 1 })
    // Consumers tidy up within this time.
    await new Promise((resolve) => setTimeout(resolve, 2_200))
    expect(queue.health()).toMatchObject({ status: 'up' })
    expect(queue.health().lastError).toBeUndefined()
    await queue.deleteGroup(topic, 'g')
  })

  it('refuses a wrong password, an unknown user and no password at once', async () => {
    for (const login of ['alice:secret', 'nobody:secret', ':secret', 'alice:']) {
      expect((await refused({ url: as(login) })).code).toBe('MQ_AUTH_FAILED')
    }
    expect((await refused({ url: as(':') })).code).toBe('MQ_AUTH_FAILED')
  })

  it('names the commands that a user lacks, and the keys', async () => {
    const bob = await refused({ url: as('bob:other') })
    expect(bob.code).toBe('MQ_AUTH_FAILED')
    expect(bob.message).toMatch(/XADD/)
    expect(bob.message).toMatch(/XCLAIM/)
    expect(bob.message).not.toMatch(/XREADGROUP/)
    const carol = await refused({ url: as('carol:other') })
    expect(carol.code).toBe('MQ_AUTH_FAILED')
    expect(carol.message).toMatch(/mq:/)
    const dave = await refused({ url: as('dave:other') })
    expect(dave.code).toBe('MQ_AUTH_FAILED')
    expect(dave.message).toMatch(/eval/)
  })

  it('refuses a certificate of an unknown authority, of another host, and a server without TLS', async () => {
    expect((await refused({ tls: true })).code).toBe('MQ_TLS_FAILED')
    expect((await refused({ tls: { ca: server.ca as string, servername: 'elsewhere.example' } })).code).toBe(
      'MQ_TLS_FAILED',
    )
    const plain = await startRedis()
    // The client may wait for the end of a line that does not come.
    const { code } = await refused({ url: plain.url.replace('redis:', 'rediss:') })
    expect(['MQ_TLS_FAILED', 'MQ_CONNECT_TIMEOUT']).toContain(code)
    await plain.stop()
  })

  it('says why no node of a cluster would answer', async () => {
    expect((await refused({ cluster: true, url: as('alice:secret') })).code).toBe('MQ_AUTH_FAILED')
    expect((await refused({ cluster: true, tls: true })).code).toBe('MQ_TLS_FAILED')
    expect((await refused({ cluster: true, url: as('bob:other') })).message).toMatch(/cluster support disabled/)
  })

  it('reports in time to a client without TLS that the server closed the connection', async () => {
    const queue = createQueue(redis({ url: as('alice:secret').replace('rediss:', 'redis:'), connectTimeoutMs: 2_000 }))
    await expect(queue.connect()).rejects.toMatchObject({ code: expect.stringMatching(/MQ_CONNECT_/) })
  })

  it('gives up on a server that accepts and stays silent', async () => {
    const link = await proxy(server)
    await link.freeze('both')
    const error = await refused({ url: link.url, connectTimeoutMs: 1_000 })
    expect(error.code).toBe('MQ_CONNECT_TIMEOUT')
    await link.close()
  })
})

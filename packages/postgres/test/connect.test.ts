import { inspect } from 'node:util'
import { postgres } from '@mq/postgres'
import { brokers, type PostgresServer, postgresql, shared } from '@mq/test-brokers'
import { Pool } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { newTopic, open } from './support/open.js'

describe.skipIf(!brokers.wanted('postgres'))('a connect', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await shared('postgres')
  })

  const failure = async (options: Parameters<typeof postgres>[0]): Promise<unknown> => {
    const adapter = postgres({ url: server.url, ...options })
    const error = await adapter.connect().catch((thrown: unknown) => thrown)
    await adapter.disconnect({ timeoutMs: 0 })
    return error
  }

  it.each([
    ['a wrong password', { password: 'hidden-5' }, 'MQ_AUTH_FAILED'],
    ['an unknown user', { user: 'nobody_here', password: 'hidden-5' }, 'MQ_AUTH_FAILED'],
    ['a password function that fails', { password: () => Promise.reject(new Error('no token')) }, 'MQ_CONNECT_FAILED'],
    ['an unknown database', { database: 'nothing_here' }, 'MQ_CONNECT_FAILED'],
    ['a port on which nothing listens', { port: 1, password: 'hidden-5' }, 'MQ_CONNECT_FAILED'],
    ['a host that does not exist', { host: 'nowhere.invalid' }, 'MQ_CONNECT_FAILED'],
    ['a certificate that nobody trusts', { tls: true }, 'MQ_TLS_FAILED'],
  ])('with %s says what is wrong, without a password', async (_, options, code) => {
    const error = await failure(options)
    expect(error).toMatchObject({ name: 'MqError', code })
    expect(inspect(error, { depth: 9 })).not.toMatch(/hidden-5|open-sesame/)
  })

  it('with the certificate of the authority uses TLS', async () => {
    const queue = await open(server.url, { postgres: { tls: { ca: server.ca ?? '' } } })
    expect(await queue.publish(newTopic(), 1)).toMatchObject({ routed: 'no' })
  })

  it('asks a function for the password of each connection', async () => {
    let calls = 0
    const password = async (): Promise<string> => {
      calls += 1
      return server.password
    }
    const queue = await open(server.url, { postgres: { password } })
    await queue.publish(newTopic(), 1)
    expect(calls).toBeGreaterThanOrEqual(2)
  })
})

describe.skipIf(!brokers.owned('postgres'))('the doctor', () => {
  it('finds nothing wrong with a server of the defaults, and names it, and then what would lose messages', async () => {
    const server = await postgresql({ config: { fsync: 'on', full_page_writes: 'on' } })
    const adapter = postgres({ url: server.url })
    await adapter.connect()
    const codes = async (): Promise<readonly string[]> =>
      (await adapter.diagnose?.())?.findings.map(({ code }) => code) ?? ['no answer']
    expect((await adapter.diagnose?.())?.server).toBe(`PostgreSQL ${server.version}`)
    expect(await codes()).toEqual([])
    await server.psql('ALTER SYSTEM SET fsync = off')
    await server.psql('ALTER SYSTEM SET synchronous_commit = off')
    await server.readOnly(true)
    expect(await codes()).toEqual(['postgres.no-fsync', 'postgres.asynchronous-commit', 'postgres.takes-no-messages'])
    await adapter.disconnect({ timeoutMs: 0 })
    await server.stop()
  })
})

describe.skipIf(!brokers.wanted('postgres'))('a pool', () => {
  it('whose sessions do not see what others commit is refused', async () => {
    const server = await shared('postgres')
    const pool = new Pool({
      connectionString: server.url,
      options: '-c default_transaction_isolation=serializable',
    })
    const adapter = postgres({ pool })
    await expect(adapter.connect()).rejects.toMatchObject({
      code: 'MQ_CONNECT_FAILED',
      message: expect.stringContaining("needs 'read committed'"),
    })
    await adapter.disconnect({ timeoutMs: 0 })
    await pool.end()
  })
})

import { inspect } from 'node:util'
import { migrations, postgres } from '@mq/postgres'
import { Pool } from 'pg'
import { describe, expect, it } from 'vitest'

describe('the options', () => {
  it('decide the capabilities of the adapter', () => {
    const { name, contract, capabilities } = postgres({
      visibilityMs: 6_000,
      pollMs: 50,
      dedupeMs: 1_000,
      maxMessageBytes: 1_000,
    })
    expect({ name, contract }).toEqual({ name: 'postgres', contract: 2 })
    expect(capabilities).toEqual({
      durable: true,
      embedded: false,
      retainsUnrouted: true,
      startFromEarliest: true,
      orderedKeys: true,
      countsCrashes: true,
      exactAttempts: true,
      delayResolutionMs: 250,
      maxDelayMs: 365 * 24 * 60 * 60 * 1000,
      maxHandlerMs: Number.POSITIVE_INFINITY,
      maxMessageBytes: 1_000,
      publishDedupeMs: 1_000,
      redeliveryMs: 9_100,
      listsTopics: true,
      listsGroups: true,
      listsWaiting: true,
      listsInFlight: true,
      removesWaiting: true,
      runsNow: true,
      pausesGroups: true,
      joinsTransactions: true,
    })
  })

  it('have the defaults that the README names', () => {
    const { capabilities } = postgres()
    expect(capabilities).toMatchObject({
      delayResolutionMs: 700,
      maxMessageBytes: 900 * 1024,
      publishDedupeMs: 300_000,
      redeliveryMs: 102_000,
    })
    expect(postgres().health().maxStallMs).toBeGreaterThan(60_000)
  })

  it.each([
    ['an unknown name', { visibility: 1 }],
    ['a schema that is no plain name', { schema: 'mq"; drop' }],
    ['a schema of the server', { schema: 'pg_mq' }],
    ['a schema of capitals', { schema: 'MQ' }],
    ['a single connection', { poolSize: 1 }],
    ['a port out of range', { port: 70_000 }],
    ['a negative time', { pollMs: -1 }],
  ])('refuse %s with MQ_INVALID_OPTION', (_, options) => {
    expect(() => postgres(options as never)).toThrow(expect.objectContaining({ code: 'MQ_INVALID_OPTION' }))
  })

  it.each([
    ['a url', { url: 5 }],
    ['a password', { password: 5 }],
    ['tls', { tls: 'yes' }],
    ['a pool', { pool: {} }],
    ['listen', { listen: 'no' }],
    ['a schema', { schema: 5 }],
  ])('refuse %s of a wrong type with a TypeError', (_, options) => {
    expect(() => postgres(options as never)).toThrow(TypeError)
  })

  it.each([
    ['another scheme', 'mysql://user:hidden@host'],
    ['no host', 'postgres:///database:hidden'],
    ['an unknown parameter', 'postgres://user:hidden@host/db?pool_max=5'],
    ['a mode that falls back to plain text', 'postgres://user:hidden@host/db?sslmode=prefer'],
    ['an unknown negotiation', 'postgres://user:hidden@host/db?sslnegotiation=maybe'],
    ['a user that cannot be decoded', 'postgres://%zz:hidden@host/db'],
    ['no form of a URL', 'postgres://user:hidden@host:port:port/db'],
  ])('refuse a URL with %s, without its password', (_, url) => {
    let error: unknown
    try {
      postgres({ url })
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code: 'MQ_INVALID_URL' })
    expect(inspect(error, { depth: 9 })).not.toContain('hidden')
  })

  it('show no password of the adapter', () => {
    const adapter = postgres({ url: 'postgres://user:hidden-1@host/db', password: 'hidden-2' })
    expect(inspect(adapter, { depth: 9, showHidden: true })).not.toMatch(/hidden-[12]/)
  })

  it('take a pool of pg', async () => {
    const pool = new Pool()
    expect(postgres({ pool }).name).toBe('postgres')
    await pool.end()
  })
})

describe('migrations()', () => {
  it('begins behind the version that is there', () => {
    expect(migrations().map(({ version }) => version)).toEqual([1])
    expect(migrations({ from: 1 })).toEqual([])
  })

  it('names the schema in each statement, and no other', () => {
    const [{ sql } = { sql: '' }] = migrations({ schema: 'queue' })
    expect(sql).toContain('CREATE TABLE "queue".messages')
    expect(sql).not.toMatch(/\bmq\.|"mq"|\{schema\}/)
  })

  it('refuses a schema that is no plain name', () => {
    expect(() => migrations({ schema: 'a b' })).toThrow(expect.objectContaining({ code: 'MQ_INVALID_OPTION' }))
  })
})

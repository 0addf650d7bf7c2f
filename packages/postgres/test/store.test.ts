import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import { createScheduler, defineTask } from '@mq/core'
import { storeConformance } from '@mq/core/conformance'
import { type PostgresStore, type PostgresStoreOptions, postgresStore } from '@mq/postgres'
import { brokers, type PostgresServer, postgresql, proxy, until } from '@mq/test-brokers'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ask } from './support/ask.js'
import { newSchema, open as openQueue } from './support/open.js'
import { begun } from './support/transaction.js'

describe.skipIf(!brokers.owned('postgres'))('postgresStore', () => {
  let server: PostgresServer
  const opened: PostgresStore[] = []
  const open = (options: PostgresStoreOptions = {}): PostgresStore => {
    const store = postgresStore({ url: server.url, ...options })
    opened.push(store)
    return store
  }
  beforeAll(async () => {
    server = await postgresql()
  })
  afterAll(async () => {
    await Promise.all(opened.map((store) => store.disconnect()))
    await server?.stop()
  })

  storeConformance(
    { describe, it },
    {
      open: async () => [open(), open()],
      async begin() {
        const transaction = await begun(server)
        return {
          transaction,
          commit: async () => void (await transaction.query('COMMIT')),
          rollback: async () => void (await transaction.query('ROLLBACK')),
        }
      },
    },
  )

  it('keeps what no text of the database can hold', async () => {
    const store = open()
    for (const text of ['a\0b', '\\0', '\\\\0\0', "'; DROP TABLE x"]) {
      const key = `${randomUUID()}${text}`
      expect(await store.claim(key, text, { ttlMs: 5_000 })).toBe(text)
      expect(await store.get(key)).toBe(text)
      expect(await store.compareAndSet(key, 'next', { expected: text, ttlMs: 5_000 })).toBe(true)
    }
  })

  it('works with a pool of the application, and leaves it open', async () => {
    const pool = new Pool({ connectionString: server.url })
    onTestFinished(() => pool.end())
    const store = postgresStore({ pool })
    const key = randomUUID()
    expect(await store.claim(key, 'a', { ttlMs: 5_000 })).toBe('a')
    await store.disconnect()
    await expect(store.get(key)).rejects.toMatchObject({ code: 'MQ_CLOSED' })
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  })

  it('goes on after its connection was cut, and keeps a claim whose answer was lost', async () => {
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

  it('gives up in time on a server that is silent or refuses, and shows no password', async () => {
    const link = await proxy(server)
    onTestFinished(() => link.close())
    const store = open({ url: link.url, commandTimeoutMs: 500, connectTimeoutMs: 500 })
    await store.put('silent', 'a', { ttlMs: 60_000 })
    await link.freeze('both')
    const startedAt = performance.now()
    const failure = await store.get('silent').catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: expect.stringMatching(/^MQ_(TIMEOUT|CONNECTION_LOST)$/) })
    expect(performance.now() - startedAt).toBeLessThan(1_500)
    await link.heal()
    expect(await store.get('silent')).toBe('a')
    const wrong = open({ url: server.url, password: 'hidden-1' })
    const refused = await wrong.get('x').catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'MQ_AUTH_FAILED' })
    expect(inspect(refused, { depth: 10 })).not.toContain('hidden-1')
  })

  it('removes what is over', async () => {
    const schema = newSchema()
    const store = open({ schema })
    await store.put('short', 'a', { ttlMs: 1 })
    await store.leases.acquire('short', { holder: 'a', ttlMs: 1 })
    await store.take('short', { limit: 1, windowMs: 1 })
    const left = async () =>
      (
        await ask(
          server,
          `SELECT (SELECT count(*) FROM "${schema}".store_values)::int + (SELECT count(*) FROM "${schema}".store_leases)::int
          + (SELECT count(*) FROM "${schema}".store_windows)::int AS n`,
        )
      )[0]?.n
    expect(await left()).toBe(3)
    await until(
      async () => {
        await ask(server, `SELECT "${schema}".store_tidy_1()`)
        return (await left()) === 0
      },
      { what: 'nothing to be left' },
    )
  })

  it('claims an idempotencyKey in the transaction of the enqueue', async () => {
    const schema = newSchema()
    const store = open({ schema })
    const scheduler = createScheduler(await openQueue(server.url, { postgres: { schema } }), { store })
    onTestFinished(() => scheduler.stop())
    const ran: string[] = []
    const greet = defineTask({ name: 'greet', execute: (name: string) => void ran.push(name) })
    await scheduler.register(greet)
    await scheduler.start()
    const undone = await begun(server)
    await scheduler.enqueue(greet, 'nobody', { idempotencyKey: 'k', transaction: undone })
    await undone.query('ROLLBACK')
    const [first, second] = [await begun(server), await begun(server)]
    const { id, duplicate } = await scheduler.enqueue(greet, 'Ada', { idempotencyKey: 'k', transaction: first })
    expect(duplicate).toBe(false)
    expect(await scheduler.cancel('unknown')).toBe(false)
    await first.query('COMMIT')
    const again = await scheduler.enqueue(greet, 'Ada', { idempotencyKey: 'k', transaction: second })
    expect(again).toMatchObject({ id, duplicate: true })
    await second.query('COMMIT')
    await until(async () => (await scheduler.result(id)) !== undefined, { what: 'the result' })
    expect(ran).toEqual(['Ada'])
  })

  it('lets a task that was enqueued in a transaction be cancelled before its first run', async () => {
    const schema = newSchema()
    const queue = await openQueue(server.url, { postgres: { schema } })
    const scheduler = createScheduler(queue, { store: open({ schema }) })
    onTestFinished(() => scheduler.stop())
    const greet = defineTask({ name: 'greet', execute: (name: string) => name })
    const transaction = await begun(server)
    const { id } = await scheduler.enqueue(greet, 'Ada', { transaction })
    await transaction.query('COMMIT')
    expect(await scheduler.cancel(id)).toBe(true)
  })
})

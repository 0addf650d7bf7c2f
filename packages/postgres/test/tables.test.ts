import { createQueue } from '@mq/core'
import { migrations, postgres } from '@mq/postgres'
import { brokers, type PostgresServer, shared } from '@mq/test-brokers'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ask } from './support/ask.js'
import { newSchema, newTopic, open } from './support/open.js'

describe.skipIf(!brokers.wanted('postgres'))('the tables', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await shared('postgres')
  })

  /** Makes a user with a name of its own, who has no right yet. */
  async function newUser(): Promise<{ readonly name: string; readonly url: string }> {
    const name = `user_${newSchema()}`
    await ask(server, `CREATE USER "${name}" PASSWORD 'secret-9'`)
    return { name, url: Object.assign(new URL(server.url), { username: name, password: 'secret-9' }).href }
  }

  it('are made once by many processes that connect at the same time', async () => {
    const schema = newSchema()
    const queues = await Promise.all(Array.from({ length: 8 }, () => open(server.url, { postgres: { schema } })))
    expect(await ask(server, `SELECT version, oldest_usable FROM "${schema}".version`)).toEqual([
      { version: 1, oldest_usable: 1 },
    ])
    for (const queue of queues) expect(queue.health().status).toBe('up')
  })

  it('of another schema are those of another queue', async () => {
    const [topic, got] = [newTopic(), [] as unknown[]]
    const first = await open(server.url, { postgres: { schema: newSchema() } })
    const second = await open(server.url, { postgres: { schema: newSchema() } })
    await first.subscribe(topic, ({ data }) => void got.push(data))
    expect(await second.publish(topic, 1)).toMatchObject({ routed: 'no' })
    expect(await second.stats(topic)).toMatchObject({ ready: undefined })
    expect(got).toEqual([])
  })

  it('that are too new for this version refuse it, and those that it can use do not', async () => {
    const schema = newSchema()
    await open(server.url, { postgres: { schema } })
    await ask(server, `UPDATE "${schema}".version SET version = 99`)
    await open(server.url, { postgres: { schema } })
    await ask(server, `UPDATE "${schema}".version SET oldest_usable = 98`)
    const adapter = postgres({ url: server.url, schema })
    await expect(adapter.connect()).rejects.toMatchObject({
      code: 'MQ_CONNECT_FAILED',
      message: expect.stringMatching(/have the version 99, which is too new.*Update @mq\/postgres/),
    })
  })

  it('are not made with migrate: false, which says what to do', async () => {
    const schema = newSchema()
    const adapter = postgres({ url: server.url, schema, migrate: false })
    await expect(adapter.connect()).rejects.toMatchObject({
      code: 'MQ_CONNECT_FAILED',
      message: expect.stringContaining('Run the SQL of migrations()'),
    })
    expect(await ask(server, `SELECT to_regnamespace('${schema}')::text AS found`)).toEqual([{ found: null }])
  })

  it('that were made by hand serve a user with the rights of the README, and without them say what lacks', async () => {
    const schema = newSchema()
    const { name, url } = await newUser()
    for (const { sql } of migrations({ schema })) await ask(server, sql)
    const refused = postgres({ url, schema, migrate: false })
    await expect(refused.connect()).rejects.toMatchObject({
      code: 'MQ_AUTH_FAILED',
      message: expect.stringMatching(/permission denied.*README/),
    })
    const rights = [
      `USAGE ON SCHEMA "${schema}"`,
      `SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "${schema}"`,
      `USAGE, SELECT ON ALL SEQUENCES IN SCHEMA "${schema}"`,
      `EXECUTE ON ALL FUNCTIONS IN SCHEMA "${schema}"`,
    ]
    for (const right of rights) await ask(server, `GRANT ${right} TO "${name}"`)
    const queue = await open(url, { postgres: { schema, migrate: false } })
    const topic = newTopic()
    const handled = new Promise((resolve) => void queue.subscribe(topic, ({ data }) => resolve(data)))
    await queue.declareGroup(topic, 'g')
    await queue.publish(topic, 'with few rights')
    expect(await handled).toBe('with few rights')
    await queue.deleteGroup(topic, 'g')
  })

  it('cannot be made by a user without the right, who is told so', async () => {
    const { url } = await newUser()
    const adapter = postgres({ url, schema: newSchema() })
    await expect(adapter.connect()).rejects.toMatchObject({
      code: 'MQ_AUTH_FAILED',
      message: expect.stringContaining('README lists the rights'),
    })
  })

  it('take messages of other programs by a function, also within their transaction', async () => {
    const queue = await open(server.url)
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    await ask(server, 'SELECT mq.send($1, $2)', [topic, Buffer.from('{"order":7}')])
    const head = JSON.stringify({ id: 'theirs', source: '/billing', traceparent: 'x' })
    await ask(server, 'SELECT mq.send($1, $2, $3, $4)', [topic, Buffer.from('8'), 'customer-3', head])
    await ask(server, 'SELECT mq.send($1, $2, NULL, $3)', [topic, Buffer.from('9'), 'no head'])
    const { items } = await queue.waiting(topic, 'g').list()
    expect(items.map(({ data, message: { id, key, source } }) => ({ data, id, key, source }))).toEqual([
      { data: { order: 7 }, id: expect.stringMatching(/^postgres-\d+$/), key: undefined, source: '/unknown' },
      { data: 8, id: 'theirs', key: 'customer-3', source: '/billing' },
      { data: 9, id: expect.stringMatching(/^postgres-\d+$/), key: undefined, source: '/unknown' },
    ])
    const got: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void got.push(data))
    await expect.poll(() => got.length).toBe(2)
    await expect
      .poll(async () => (await queue.deadLetters(topic).list()).map(({ failure }) => failure.reason))
      .toEqual(['undecodable'])
  })

  it('keep the latest messages that nobody needs, and lose the others', async () => {
    const queue = await open(server.url, { postgres: { retain: 5 } })
    const topic = newTopic()
    const got: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void got.push(data), { concurrency: 10 })
    for (let number = 0; number < 30; number++) await queue.publish(topic, number)
    const count = async (): Promise<number> => {
      const text = 'SELECT count(*)::int AS n FROM mq.messages m JOIN mq.topics t ON t.id = m.topic WHERE t.name = $1'
      return Number((await ask(server, text, [topic]))[0]?.n)
    }
    await expect.poll(count, { timeout: 10_000 }).toBe(5)
    expect(got.length).toBe(30)
    const late: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void late.push(data), { group: 'late', startFrom: 'earliest' })
    await expect.poll(() => late.sort()).toEqual([25, 26, 27, 28, 29])
  })

  it('keep what waits for a group, however much it is', async () => {
    const queue = await open(server.url, { postgres: { retain: 0 } })
    const [topic, other] = [newTopic(), newTopic()]
    await queue.declareGroup(topic, 'g')
    await queue.publishAll(
      topic,
      Array.from({ length: 20 }, (_, index) => index),
    )
    await queue.publish(other, 'nobody wants it')
    const count = async (name: string): Promise<number> => {
      const text = 'SELECT count(*)::int AS n FROM mq.messages m JOIN mq.topics t ON t.id = m.topic WHERE t.name = $1'
      return Number((await ask(server, text, [name]))[0]?.n)
    }
    // Both topics are swept in one turn.
    await expect.poll(() => count(other), { timeout: 15_000 }).toBe(0)
    expect(await count(topic)).toBe(20)
    expect(await queue.stats(topic)).toMatchObject({ ready: 20 })
  })

  it('are used by an adapter on a pool of the application, which goes on without it', async () => {
    const { Pool } = await import('pg')
    const pool = new Pool({ connectionString: server.url, max: 4 })
    onTestFinished(() => pool.end())
    const queue = createQueue(postgres({ pool, pollMs: 100 }), { group: 'g' })
    await queue.connect()
    const topic = newTopic()
    const got: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void got.push(data))
    await queue.publish(topic, 'pooled')
    await expect.poll(() => got).toEqual(['pooled'])
    await queue.disconnect()
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  })
})

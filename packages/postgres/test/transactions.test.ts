import { createScheduler, defineTask } from '@mq/core'
import type { PostgresOptions } from '@mq/postgres'
import { brokers, child, type PostgresServer, shared, until } from '@mq/test-brokers'
import { Pool } from 'pg'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ask } from './support/ask.js'
import { newSchema, newTopic, open } from './support/open.js'
import { begun } from './support/transaction.js'

/** So long that a message is found by its announcement only. */
const pollMs = 5_000

describe.skipIf(!brokers.wanted('postgres'))('a transaction of the application', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await shared('postgres')
    await ask(server, 'CREATE TABLE IF NOT EXISTS users (email text PRIMARY KEY)')
  })

  /** A queue with a consumer of a topic, and the ids that have come. */
  async function consuming(options: PostgresOptions = { pollMs }) {
    const topic = newTopic()
    const queue = await open(server.url, { postgres: options })
    const ids: string[] = []
    await queue.subscribe(topic, ({ id }) => void ids.push(id))
    return { queue, topic, ids }
  }

  it('delivers what it has published once it commits, soon and not before', async () => {
    const { queue, topic, ids } = await consuming()
    const transaction = await begun(server)
    expect(await queue.publish(topic, 1, { id: 'in', transaction })).toEqual({ id: 'in', routed: 'unknown' })
    // What is published after it comes first, because it has not committed.
    await queue.publish(topic, 2, { id: 'out' })
    await until(() => ids.length === 1, { what: 'the other message' })
    expect(ids).toEqual(['out'])
    const committedAt = performance.now()
    await transaction.query('COMMIT')
    await until(() => ids.length === 2, { what: 'the message' })
    expect(ids).toEqual(['out', 'in'])
    expect(performance.now() - committedAt).toBeLessThan(pollMs / 2)
  })

  it('that is rolled back leaves nothing, and its id is free', async () => {
    const { queue, topic, ids } = await consuming()
    const transaction = await begun(server)
    await queue.publishAll(topic, [1, 2], { id: (_, index) => `${index}`, transaction })
    await queue.publish(topic, 3, { id: 'later', delayMs: 10, transaction })
    await transaction.query('ROLLBACK')
    expect(await queue.stats(topic)).toMatchObject({ ready: 0, delayed: 0 })
    await queue.publish(topic, 1, { id: '0' })
    await until(() => ids.length === 1, { what: 'the message with the id' })
    expect(ids).toEqual(['0'])
  })

  it('holds up nobody: groups are made and messages published while it is open', async () => {
    const { queue, topic, ids } = await consuming()
    const fresh = newTopic()
    const transaction = await begun(server)
    await queue.publish(topic, 1, { id: 'in', transaction })
    await queue.publish(fresh, 1, { id: 'in', transaction })
    const startedAt = performance.now()
    const others: string[] = []
    await queue.subscribe(topic, ({ id }) => void others.push(id), { group: 'others' })
    await queue.subscribe(fresh, ({ id }) => void others.push(id), { group: 'others' })
    await queue.publish(topic, 2, { id: 'out' })
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    await transaction.query('COMMIT')
    // Groups that were made before the commit get what counts from then on.
    await until(() => ids.length === 2 && others.length === 3, { what: 'all messages' })
    expect(others.toSorted()).toEqual(['in', 'in', 'out'])
  })

  it.each(['REPEATABLE READ', 'SERIALIZABLE'] as const)(
    'with %s reaches groups that it cannot see',
    async (isolation) => {
      const topic = newTopic()
      const queue = await open(server.url, { postgres: { pollMs } })
      const transaction = await begun(server, isolation)
      // Now it has its snapshot.
      await transaction.query('SELECT 1')
      const ids: string[] = []
      await queue.subscribe(topic, ({ id }) => void ids.push(id))
      await queue.publish(topic, 1, { id: 'in', transaction })
      await transaction.query('COMMIT')
      await until(() => ids.length === 1, { what: 'the message', timeoutMs: pollMs / 2 })
    },
  )

  it('keeps the order of a key: what was committed before comes before', async () => {
    const topic = newTopic()
    const queue = await open(server.url)
    await queue.declareGroup(topic, 'g')
    for (const round of [0, 1, 2, 3]) {
      const transaction = await begun(server)
      await queue.publish(topic, round, { id: `in ${round}`, key: 'k', transaction })
      await transaction.query('COMMIT')
      await queue.publish(topic, round, { id: `out ${round}`, key: 'k' })
    }
    const ids: string[] = []
    await queue.subscribe(topic, ({ id }) => void ids.push(id), { ordered: true })
    await until(() => ids.length === 8, { what: 'all messages' })
    expect(ids).toEqual([0, 1, 2, 3].flatMap((round) => [`in ${round}`, `out ${round}`]))
  })

  it('delays a message by the time since its publish', async () => {
    const { queue, topic, ids } = await consuming()
    const transaction = await begun(server)
    const publishedAt = performance.now()
    await queue.publish(topic, 1, { id: 'late', delayMs: 600, transaction })
    await transaction.query('COMMIT')
    await until(() => ids.length === 1, { what: 'the message' })
    expect(performance.now() - publishedAt).toBeGreaterThanOrEqual(600)
    expect(performance.now() - publishedAt).toBeLessThan(600 + pollMs / 2)
  })

  it('stores an id once that another publish has stored meanwhile', async () => {
    const { queue, topic, ids } = await consuming()
    const transaction = await begun(server)
    await queue.publish(topic, 1, { id: 'same', transaction })
    const other = queue.publish(topic, 1, { id: 'same' })
    await transaction.query('COMMIT')
    await other
    await queue.publish(topic, 1, { id: 'last' })
    await until(() => ids.includes('last'), { what: 'the last message' })
    expect(ids).toEqual(['same', 'last'])
  })

  it.each([
    ['a pool', async () => new Pool({ connectionString: server.url }), /no transaction was begun on what was passed/],
    [
      'a client without a transaction',
      async () => {
        const client = await begun(server)
        await client.query('COMMIT')
        return client
      },
      /no transaction was begun on what was passed.*Pass the client on which BEGIN has run, not a pool/,
    ],
    [
      'a transaction that has failed',
      async () => {
        const client = await begun(server)
        await client.query('SELECT 1 / 0').catch(() => {})
        return client
      },
      /current transaction is aborted.*Roll the transaction back/,
    ],
    [
      'a read-only transaction',
      async () => {
        const client = await begun(server)
        await client.query('SET TRANSACTION READ ONLY')
        return client
      },
      /read-only transaction/,
    ],
  ])('%s is refused, and nothing is stored', async (_, make, message) => {
    const { queue, topic, ids } = await consuming()
    const transaction = await make()
    if (transaction instanceof Pool) onTestFinished(() => transaction.end())
    await expect(queue.publish(topic, 1, { transaction })).rejects.toMatchObject({
      code: 'MQ_PUBLISH_REJECTED',
      message: expect.stringMatching(message),
    })
    await queue.publish(topic, 2, { id: 'next' })
    await until(() => ids.length === 1, { what: 'the next message' })
    expect(ids).toEqual(['next'])
  })

  it('in another database is refused, with tables there or not', async () => {
    const queue = await open(server.url)
    const name = newSchema()
    await ask(server, `CREATE DATABASE "${name}"`)
    const url = Object.assign(new URL(server.url), { pathname: `/${name}` }).href
    const refused = { code: 'MQ_PUBLISH_REJECTED', message: expect.stringContaining('in another database than') }
    await expect(queue.publish(newTopic(), 1, { transaction: await begun({ url }) })).rejects.toMatchObject(refused)
    await (await open(url)).disconnect()
    await expect(queue.publish(newTopic(), 1, { transaction: await begun({ url }) })).rejects.toMatchObject(refused)
  })

  it('whose connection ends leaves nothing, and says so', async () => {
    const { queue, topic, ids } = await consuming()
    const transaction = await begun(server)
    await queue.publish(topic, 1, { id: 'lost', transaction })
    const { rows } = await transaction.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    await ask(server, 'SELECT pg_terminate_backend($1)', [rows[0]?.pid])
    await expect(queue.publish(topic, 2, { transaction })).rejects.toMatchObject({ code: 'MQ_PUBLISH_REJECTED' })
    await queue.publish(topic, 3, { id: 'next' })
    await until(() => ids.length === 1, { what: 'the next message' })
    expect(ids).toEqual(['next'])
  })

  it('that does not answer in time leaves the outcome open', async () => {
    const queue = await open(server.url)
    const never = (): Promise<unknown> => new Promise(() => {})
    await expect(queue.publish(newTopic(), 1, { transaction: never, timeoutMs: 100 })).rejects.toMatchObject({
      code: 'MQ_PUBLISH_UNKNOWN',
    })
  })

  const greet = defineTask({ name: 'greet', execute: (name: string) => `hello ${name}` })

  it('enqueues a task, whose reply comes once it commits', async () => {
    const queue = await open(server.url, { postgres: { pollMs, schema: newSchema() } })
    const scheduler = createScheduler(queue)
    onTestFinished(() => scheduler.stop())
    await scheduler.register(greet)
    await scheduler.start()
    const [kept, undone] = [await begun(server), await begun(server)]
    await scheduler.enqueue(greet, 'nobody', { id: 'undone', transaction: undone })
    await undone.query('ROLLBACK')
    const handle = await scheduler.enqueue(greet, 'Ada', { transaction: kept, reply: true })
    await kept.query('COMMIT')
    expect(await handle.result({ timeoutMs: pollMs / 2 })).toBe('hello Ada')
  })

  it('takes no idempotencyKey of a store that cannot join it', async () => {
    const store = { claim: async () => '', put: async () => {}, get: async () => undefined }
    const scheduler = createScheduler(await open(server.url), { store })
    onTestFinished(() => scheduler.stop())
    const transaction = await begun(server)
    await expect(scheduler.enqueue(greet, 'Ada', { idempotencyKey: 'one', transaction })).rejects.toMatchObject({
      code: 'MQ_NOT_SUPPORTED',
      message: expect.stringContaining("no 'within'"),
    })
    await scheduler.enqueue(greet, 'Ada', { transaction })
  })

  it('of a process that is killed between any two steps stores user and message, or neither', async () => {
    // One that dies right after its commit announces nothing.
    const { topic, ids } = await consuming({})
    const program = new URL('./children/sign-up.ts', import.meta.url)
    for (const step of ['begun', 'inserted', 'published', 'committed']) {
      const email = `${step}@${topic}`
      const signUp = await child<string>(program, { args: [server.url, topic, email, step] })
      await signUp.waitFor((steps) => steps.includes(step), { what: step })
      await signUp.kill()
    }
    const email = `all@${topic}`
    const whole = await child<string>(program, { args: [server.url, topic, email] })
    await whole.exited
    await until(() => ids.length === 2, { what: 'the messages that were committed' })
    const users = await ask(server, 'SELECT email FROM users WHERE email LIKE $1 ORDER BY email', [`%@${topic}`])
    expect(users.map((user) => user.email)).toEqual([email, `committed@${topic}`])
    expect(ids.toSorted()).toEqual([email, `committed@${topic}`])
  })
})

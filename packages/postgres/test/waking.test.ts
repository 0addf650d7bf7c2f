import { brokers, type PostgresServer, shared, until } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { ask } from './support/ask.js'
import { newTopic, open } from './support/open.js'

/** So long that a message which arrives soon was announced. */
const pollMs = 5_000

describe.skipIf(!brokers.wanted('postgres'))('a consumer at rest', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await shared('postgres')
  })

  it('is woken by a message of another process, long before it looks for itself', async () => {
    const [consumer, publisher] = [await open(server.url, { postgres: { pollMs } }), await open(server.url)]
    const topic = newTopic()
    const at: number[] = []
    await consumer.subscribe(topic, () => void at.push(performance.now()))
    for (let round = 1; round <= 3; round++) {
      const sentAt = performance.now()
      await publisher.publish(topic, round)
      await until(() => at.length === round, { what: 'the message' })
      expect((at.at(-1) ?? 0) - sentAt).toBeLessThan(pollMs / 2)
    }
  })

  it('is woken by a program that sends a message within its own transaction', async () => {
    const consumer = await open(server.url, { postgres: { pollMs } })
    const topic = newTopic()
    const got: unknown[] = []
    await consumer.subscribe(topic, ({ data }) => void got.push(data))
    const sentAt = performance.now()
    await ask(server, 'SELECT mq.send($1, $2)', [topic, Buffer.from('1')])
    await until(() => got.length === 1, { what: 'the message' })
    expect(performance.now() - sentAt).toBeLessThan(pollMs / 2)
  })

  it.each([
    ['whose announcement was lost', {}],
    ['with listen: false, as behind a pooler', { listen: false }],
  ])('finds a message %s', async (_, options) => {
    const consumer = await open(server.url, { postgres: { pollMs: 200, ...options } })
    const topic = newTopic()
    const got: unknown[] = []
    await consumer.subscribe(topic, ({ data }) => void got.push(data))
    // This is a publish that announces nothing.
    const text = `SELECT mq.publish_1($1, ARRAY['m']::text[], ARRAY[NULL]::text[], ARRAY[NULL]::text[], ARRAY[0]::float8[], ARRAY[1], '1', 0)`
    await ask(server, text, [topic])
    await until(() => got.length === 1, { what: 'the message' })
    expect(got).toEqual([1])
  })

  it('runs a retry and a delayed message in time, though nobody announces them', async () => {
    const queue = await open(server.url, { postgres: { pollMs: 300 } })
    const topic = newTopic()
    const at: number[] = []
    await queue.subscribe(
      topic,
      ({ attempt }) => {
        at.push(performance.now())
        if (attempt < 3) throw new Error('again')
      },
      { retry: { delayMs: 100, jitter: 'none', factor: 1 } },
    )
    const sentAt = performance.now()
    await queue.publish(topic, 1, { delayMs: 200 })
    await until(() => at.length === 3, { what: 'three runs' })
    expect((at[0] ?? 0) - sentAt).toBeGreaterThanOrEqual(200)
    for (const [index, time] of at.slice(1).entries()) {
      const tookMs = time - (at[index] ?? 0)
      expect(tookMs).toBeGreaterThanOrEqual(99)
      expect(tookMs).toBeLessThan(queue.capabilities.delayResolutionMs + 1_000)
    }
  })

  it('costs few connections and statements, however many there are', { timeout: 60_000 }, async () => {
    const name = `rest_${newTopic().slice(2, 10)}`
    const queue = await open(server.url, { postgres: { pollMs: 500, applicationName: name } })
    for (let number = 0; number < 100; number++) await queue.subscribe(`${newTopic()}`, () => {})
    const connections = async (): Promise<number> => {
      const text = 'SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = $1'
      return Number((await ask(server, text, [name]))[0]?.n)
    }
    // What the subscriptions took beside it ends when it has been idle for 30 s.
    await expect.poll(connections, { timeout: 45_000, interval: 250 }).toBeLessThanOrEqual(3)
    const xacts = async (): Promise<number> => {
      const text =
        'SELECT (xact_commit + xact_rollback)::int AS n FROM pg_stat_database WHERE datname = current_database()'
      return Number((await ask(server, text))[0]?.n)
    }
    expect(queue.health().consumers.length).toBe(100)
    expect(await xacts()).toBeGreaterThan(0)
  })
})

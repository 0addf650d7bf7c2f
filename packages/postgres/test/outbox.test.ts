import { createScheduler, defineEvent, defineTask } from '@mq/core'
import { createOutbox, type Outbox, type OutboxOptions } from '@mq/postgres'
import { brokers, type PostgresServer, shared, until } from '@mq/test-brokers'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ask } from './support/ask.js'
import { newSchema, newTopic, open } from './support/open.js'
import { begun } from './support/transaction.js'

describe.skipIf(!brokers.wanted('postgres'))('an outbox', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await shared('postgres')
  })

  /** Opens an outbox with tables of its own. */
  async function openOutbox(options: OutboxOptions = {}): Promise<Outbox> {
    const outbox = createOutbox({ url: server.url, schema: newSchema(), pollMs: 5_000, ...options })
    await outbox.connect()
    onTestFinished(() => outbox.disconnect({ timeoutMs: 0 }))
    return outbox
  }

  /** Writes messages in a transaction, and commits it. */
  async function written(outbox: Outbox, topic: string, ids: readonly string[], key?: string): Promise<void> {
    const transaction = await begun(server)
    await outbox.publishAll(transaction, topic, ids, { id: String, ...(key && { key }) })
    await transaction.query('COMMIT')
  }

  /** A queue behind the outbox, and what comes to it. */
  async function behind(topic = newTopic()) {
    const queue = await open(server.url)
    const ids: string[] = []
    await queue.subscribe(topic, ({ id }) => void ids.push(id), { ordered: true })
    return { queue, topic, ids }
  }

  it('sends what was committed, soon, as it was published, and nothing that was rolled back', async () => {
    const [outbox, queue, topic] = [await openOutbox({ source: '/shop' }), await open(server.url), newTopic()]
    const got: unknown[] = []
    await queue.subscribe(topic, (message) => void got.push(message))
    await outbox.relay(queue)
    const [kept, undone] = [await begun(server), await begun(server)]
    await outbox.publish(undone, topic, { order: 1 })
    await undone.query('ROLLBACK')
    const sent = { id: 'o-2', key: 'ada', headers: { tenant: 'a' }, extensions: { traceparent: 't' } }
    await outbox.publish(kept, topic, { order: 2 }, sent)
    const publishedAt = Date.now()
    await kept.query('COMMIT')
    await until(() => got.length === 1, { what: 'the message', timeoutMs: 2_500 })
    const shown = { ...sent, data: { order: 2 }, source: '/shop', type: topic, attempt: 1 }
    expect(got).toMatchObject([shown])
    expect(Math.abs((got[0] as { time: Date }).time.getTime() - publishedAt)).toBeLessThan(1_000)
    await until(async () => (await outbox.stats()).waiting === 0, { what: 'an empty outbox' })
  })

  it('checks data, keys and sizes as a queue does, and writes nothing then', async () => {
    const outbox = await openOutbox({ maxMessageBytes: 100 })
    const transaction = await begun(server)
    await expect(outbox.publish(transaction, 'no topic', 1)).rejects.toMatchObject({ code: 'MQ_INVALID_NAME' })
    await expect(outbox.publish(transaction, 't', 'x'.repeat(200))).rejects.toMatchObject({
      code: 'MQ_MESSAGE_TOO_LARGE',
    })
    await expect(outbox.publish(5 as never, 't', 1)).rejects.toThrow(TypeError)
    await transaction.query('COMMIT')
    await expect(outbox.publish(transaction, 't', 1)).rejects.toMatchObject({
      code: 'MQ_PUBLISH_REJECTED',
      message: expect.stringContaining('no transaction was begun'),
    })
    expect(await outbox.stats()).toEqual({ waiting: 0, oldestMs: 0, dead: 0 })
  })

  it('sends tombstones, delayed messages and tasks, whose workers need not be there yet', async () => {
    const [outbox, queue, topic] = [await openOutbox(), await open(server.url), newTopic()]
    const got: { readonly tombstone: boolean; readonly at: number }[] = []
    const user = defineEvent<{ name: string }>(topic)
    await queue.subscribe(user, ({ tombstone }) => void got.push({ tombstone, at: Date.now() }), { tombstones: true })
    const task = defineTask({ name: `greet-${newTopic()}`, execute: (name: string) => `hello ${name}` })
    const transaction = await begun(server)
    const writtenAt = Date.now()
    await outbox.publishTombstone(transaction, user, 'ada')
    await outbox.publish(transaction, user, { name: 'Ada' }, { delayMs: 700 })
    const { id } = await outbox.enqueue(transaction, task, 'Ada', { id: 'one' })
    await transaction.query('COMMIT')
    await outbox.relay(queue)
    await until(() => got.length === 2, { what: 'both messages' })
    expect(got.map(({ tombstone }) => tombstone)).toEqual([true, false])
    expect((got[1]?.at ?? 0) - writtenAt).toBeGreaterThanOrEqual(700)
    const done: unknown[] = []
    const scheduler = createScheduler(queue)
    onTestFinished(() => scheduler.stop())
    scheduler.on('completed', (event) => void done.push(event))
    await scheduler.register(task)
    await scheduler.start()
    await until(() => done.length === 1, { what: 'the task' })
    expect(done).toMatchObject([{ id, result: 'hello Ada' }])
  })

  it('keeps the order of a key with two relays, of which one sends at a time and the other goes on', async () => {
    const { queue, topic, ids } = await behind()
    const schema = newSchema()
    const [outbox, other] = [await openOutbox({ schema }), await openOutbox({ schema })]
    const relays = [await outbox.relay(queue, { batchSize: 7 }), await other.relay(queue, { batchSize: 7 })]
    const all: string[] = []
    for (let round = 0; round < 10; round++) {
      const some = Array.from({ length: 20 }, (_, index) => `${round}-${index}`)
      all.push(...some)
      await written(round % 2 === 0 ? outbox : other, topic, some, 'k')
      if (round !== 4) continue
      await until(() => ids.length === all.length, { what: 'the messages so far' })
      expect(relays.map(({ status }) => status).toSorted()).toEqual(['sending', 'waiting'])
      await relays.find(({ status }) => status === 'sending')?.stop()
    }
    await until(() => ids.length === all.length, { what: 'all messages' })
    expect(ids).toEqual(all)
  })

  it('keeps what the broker does not take, and sends it in order when it does again', async () => {
    const { queue, topic, ids } = await behind()
    const outbox = await openOutbox()
    const closed = await open(server.url)
    await closed.disconnect()
    const failing = await outbox.relay(closed, { publishTimeoutMs: 300 })
    await written(outbox, topic, ['1', '2', '3'], 'k')
    await until(() => failing.status === 'failing', { what: 'the failure' })
    expect(failing.lastError).toMatchObject({ code: 'MQ_CLOSED' })
    expect((await outbox.stats()).waiting).toBe(3)
    await failing.stop()
    await outbox.relay(queue)
    await until(() => ids.length === 3, { what: 'all messages' })
    expect(ids).toEqual(['1', '2', '3'])
  })

  it('puts aside what the broker can never take, goes on, and sends it again after a replay', async () => {
    const { queue, topic, ids } = await behind()
    const small = await open(server.url, { postgres: { maxMessageBytes: 150 } })
    const outbox = await openOutbox()
    const relay = await outbox.relay(small)
    await written(outbox, topic, ['first', 'x'.repeat(160), 'last'], 'k')
    await until(() => ids.length === 2, { what: 'the others' })
    expect(ids).toEqual(['first', 'last'])
    await until(async () => (await outbox.stats()).dead === 1, { what: 'the dead row' })
    const [dead, ...more] = await outbox.dead.list()
    expect(more).toEqual([])
    expect(dead).toMatchObject({ topic, data: 'x'.repeat(160), error: expect.stringContaining('takes at most 150') })
    await relay.stop()
    await outbox.relay(queue)
    expect(await outbox.dead.replay([dead?.entryId ?? ''])).toEqual({ replayed: 1 })
    await until(() => ids.length === 3, { what: 'the replayed message' })
    expect(await outbox.dead.list()).toEqual([])
    expect(await outbox.dead.purge()).toEqual({ purged: 0 })
  })

  it('refuses names of entries that are no text, and knows none that is not there', async () => {
    const outbox = await openOutbox()
    await expect(outbox.dead.purge([5 as never])).rejects.toThrow(TypeError)
    expect(await outbox.dead.replay(["1'; DROP TABLE outbox"])).toEqual({ replayed: 0 })
    await expect(outbox.dead.list({ limit: 0 })).rejects.toMatchObject({ code: 'MQ_INVALID_OPTION' })
  })

  it('says what lacks if its tables are not there', async () => {
    const outbox = createOutbox({ url: server.url, schema: newSchema(), migrate: false })
    await expect(outbox.connect()).rejects.toMatchObject({ code: 'MQ_CONNECT_FAILED' })
    await outbox.disconnect()
  })

  it('is small again after what was sent', async () => {
    const { queue, topic, ids } = await behind()
    const schema = newSchema()
    const outbox = await openOutbox({ schema })
    await outbox.relay(queue)
    await written(
      outbox,
      topic,
      Array.from({ length: 2_500 }, (_, index) => `${index}`),
    )
    await until(() => ids.length === 2_500, { what: 'all messages' })
    await until(async () => (await outbox.stats()).waiting === 0, { what: 'an empty outbox' })
    expect(await ask(server, `SELECT count(*)::int AS n FROM "${schema}".outbox`)).toEqual([{ n: 0 }])
  })
})

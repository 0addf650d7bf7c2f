import { createInbox, type InboxOptions } from '@mq/postgres'
import { brokers, type PostgresServer, shared, until } from '@mq/test-brokers'
import { Pool } from 'pg'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ask } from './support/ask.js'
import { newSchema, newTopic, open } from './support/open.js'
import { begun } from './support/transaction.js'

describe.skipIf(!brokers.wanted('postgres'))('an inbox', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await shared('postgres')
  })

  async function openInbox(options: Partial<InboxOptions> = {}) {
    const inbox = createInbox({ url: server.url, schema: newSchema(), consumer: 'billing', ...options })
    await inbox.connect()
    return inbox
  }
  const message = (id = newTopic()) => ({ topic: 'order.paid', source: '/shop', id })

  it('runs the work of a message once, and another consumer runs its own', async () => {
    const schema = newSchema()
    const [billing, mailing] = [await openInbox({ schema }), await openInbox({ schema, consumer: 'mailing' })]
    const same = message()
    const runs: string[] = []
    for (const [inbox, name] of [
      [billing, 'b'],
      [billing, 'b again'],
      [mailing, 'm'],
    ] as const) {
      const transaction = await begun(server)
      await inbox.once(same, transaction, () => runs.push(name))
      await transaction.query('COMMIT')
    }
    expect(runs).toEqual(['b', 'm'])
    const transaction = await begun(server)
    expect(await billing.once(same, transaction, () => {})).toBe(false)
    expect(await billing.once({ ...same, topic: 'order.sent' }, transaction, () => {})).toBe(true)
    expect(await billing.once({ ...same, source: '/other' }, transaction, () => {})).toBe(true)
  })

  it('forgets a message whose transaction was rolled back', async () => {
    const inbox = await openInbox()
    const same = message()
    const failed = await begun(server)
    const boom = () => {
      throw new Error('boom')
    }
    await expect(inbox.once(same, failed, boom)).rejects.toThrow('boom')
    await failed.query('ROLLBACK')
    expect(await inbox.once(same, await begun(server), () => {})).toBe(true)
  })

  it('lets the second of two runs at a time wait for the first', async () => {
    const inbox = await openInbox()
    const [first, second, same] = [await begun(server), await begun(server), message()]
    expect(await inbox.once(same, first, () => {})).toBe(true)
    let isOver = false
    const waiting = inbox
      .once(same, second, () => {})
      .finally(() => {
        isOver = true
      })
    await ask(server, 'SELECT 1')
    expect(isOver).toBe(false)
    await first.query('COMMIT')
    expect(await waiting).toBe(false)
  })

  it('forgets messages after retainMs', async () => {
    const schema = newSchema()
    const inbox = await openInbox({ schema, retainMs: 1_000 })
    for (const id of ['a', 'b', 'c']) {
      const transaction = await begun(server)
      await inbox.once(message(id), transaction, () => {})
      await transaction.query('COMMIT')
    }
    const known = async () => (await ask(server, `SELECT count(*)::int AS n FROM "${schema}".inbox`))[0]?.n
    expect(await known()).toBe(3)
    await ask(server, `UPDATE "${schema}".inbox SET handled_at = handled_at - interval '2 s'`)
    const transaction = await begun(server)
    await inbox.once(message('d'), transaction, () => {})
    await transaction.query('COMMIT')
    expect(await known()).toBe(1)
  })

  it('makes a handler have its effect once, although its message comes again', async () => {
    const [inbox, queue, topic] = [await openInbox(), await open(server.url), newTopic()]
    await ask(server, 'CREATE TABLE IF NOT EXISTS bills (message text)')
    const pool = new Pool({ connectionString: server.url })
    onTestFinished(() => pool.end())
    let runs = 0
    await queue.subscribe(topic, async (delivered) => {
      const client = await pool.connect()
      try {
        await client.query('BEGIN')
        const { id } = delivered
        await inbox.once(delivered, client, () => client.query('INSERT INTO bills (message) VALUES ($1)', [id]))
        await client.query('COMMIT')
      } finally {
        client.release()
      }
      runs += 1
      // It has committed, but the message is not acknowledged.
      if (runs < 3) throw new Error('again')
    })
    await queue.publish(topic, 1, { id: topic })
    await until(() => runs === 3, { what: 'three runs' })
    expect(await ask(server, 'SELECT message FROM bills WHERE message = $1', [topic])).toEqual([{ message: topic }])
  })

  it('refuses what is no transaction, and no consumer', async () => {
    const inbox = await openInbox()
    const pool = new Pool({ connectionString: server.url })
    onTestFinished(() => pool.end())
    await expect(inbox.once(message(), pool, () => {})).rejects.toMatchObject({
      code: 'MQ_OPERATION_FAILED',
      message: expect.stringContaining('no transaction was begun'),
    })
    await expect(
      inbox.once(
        message(),
        async () => 1,
        () => {},
      ),
    ).rejects.toThrow('must return the rows')
    await expect(inbox.once(message(), 7 as never, () => {})).rejects.toThrow(TypeError)
    expect(() => createInbox({} as never)).toThrow(expect.objectContaining({ code: 'MQ_INVALID_OPTION' }))
    expect(() => createInbox({ consumer: 'a', consumr: 'b' } as never)).toThrow(/no option 'consumr'/)
  })
})

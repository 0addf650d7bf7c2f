import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openQueue, type Queue, type QueueAddress } from '@mq/core'
import { brokers, type PostgresServer, shared, until } from '@mq/test-brokers'
import { Pool } from 'pg'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { root } from './examples.js'
import { build } from './program.js'
import { filesOf, shownOn, withShownFiles } from './shown-files.js'

const example = 'transactions'
const folder = join(root, 'docs', 'examples', example)
const page = join(root, 'docs', 'transactions.md')

interface Database {
  signUp(queue: Queue, email: string): Promise<void>
  close(): Promise<unknown>
}

/** Loads a program of the example as it was built. */
const load = <Program>(name: string): Promise<Program> => import(pathToFileURL(join(folder, 'dist', `${name}.js`)).href)

describe('the programs of docs/transactions.md', () => {
  // With `-u` the page takes over what is in the files.
  it('stand on the page as they lie in their files', async () => {
    const text = readFileSync(page, 'utf8')
    expect(shownOn(text)).toEqual(filesOf(join(folder, 'src')).map((file) => file))
    await expect(withShownFiles(text)).toMatchFileSnapshot(page)
  })

  describe.skipIf(!brokers.wanted('postgres'))('with a database', () => {
    let server: PostgresServer
    let pool: Pool
    beforeAll(async () => {
      server = await shared('postgres')
      await build(example)
    }, 120_000)
    beforeEach(async () => {
      const name = `examples_${Math.random().toString(36).slice(2)}`
      const admin = new Pool({ connectionString: server.url })
      await admin.query(`CREATE DATABASE ${name}`)
      await admin.end()
      pool = new Pool({ connectionString: urlOf(name) })
      pool.on('error', () => {})
      await pool.query('CREATE TABLE users (email text PRIMARY KEY)')
      await pool.query('CREATE TABLE counts (users integer NOT NULL)')
      await pool.query('INSERT INTO counts VALUES (0)')
      url = urlOf(name)
      return async () => {
        await pool.end()
      }
    })
    let url = ''
    const urlOf = (name: string): string => Object.assign(new URL(server.url), { pathname: `/${name}` }).href

    async function opened(address: string | QueueAddress, group: string): Promise<Queue> {
      const queue = await openQueue(address, { group })
      onTestFinished(() => queue.disconnect({ timeoutMs: 0 }))
      return queue
    }

    it.each(['pg', 'drizzle', 'kysely', 'knex', 'typeorm'])(
      '%s: the commit delivers, and what is rolled back leaves nothing',
      async (library) => {
        const { openDatabase } = await load<{ openDatabase(url: string): Database | Promise<Database> }>(library)
        const database = await openDatabase(url)
        onTestFinished(async () => void (await database.close()))
        const queue = await opened(url, 'mails')
        const emails: unknown[] = []
        await queue.subscribe('user.created', ({ data }) => void emails.push(data))
        await database.signUp(queue, 'ada@example.com')
        // The user is there, so the insert fails after the publish.
        await expect(database.signUp(queue, 'ada@example.com')).rejects.toThrow()
        await database.signUp(queue, 'bob@example.com')
        await until(() => emails.length === 2, { what: 'both events' })
        expect(emails).toEqual([{ email: 'ada@example.com' }, { email: 'bob@example.com' }])
        expect((await pool.query('SELECT email FROM users ORDER BY email')).rows).toEqual(emails)
        expect(await queue.stats('user.created')).toMatchObject({ ready: 0, delayed: 0, dead: 0 })
      },
    )

    describe.each(['redis', 'rabbitmq', 'kafka'] as const)('and %s', (kind) => {
      it.skipIf(!brokers.wanted(kind))(
        'the outbox and the inbox count each user once',
        async () => {
          const broker = { type: kind, url: (await shared(kind)).url, prefix: `tx${Date.now()}` }
          const { openCounter } = await load<{
            openCounter(database: string, broker: QueueAddress): Promise<{ close(): Promise<void> }>
          }>('inbox')
          const counter = await openCounter(url, broker)
          const { openService } = await load<{
            openService(
              database: string,
              broker: QueueAddress,
            ): Promise<{ signUp(email: string): Promise<void>; close(): Promise<void> }>
          }>('outbox')
          const service = await openService(url, broker)
          onTestFinished(async () => {
            await service.close()
            await counter.close()
          })
          const queue = await opened(broker, 'mails')
          const emails: unknown[] = []
          await queue.subscribe('user.created', ({ data }) => void emails.push(data))
          for (const email of ['ada', 'bob', 'cyd']) await service.signUp(email)
          await expect(service.signUp('ada')).rejects.toThrow()
          await until(() => emails.length === 3, { what: 'the events' })
          await until(async () => (await pool.query('SELECT users FROM counts')).rows[0]?.users === 3, {
            what: 'the count',
          })
          // The broker delivers one of them again.
          await queue.publish('user.created', { email: 'ada' }, { id: 'other' })
          await until(async () => (await pool.query('SELECT users FROM counts')).rows[0]?.users === 4, {
            what: 'the count',
          })
        },
        60_000,
      )
    })
  })
})

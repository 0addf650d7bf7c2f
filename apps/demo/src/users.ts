import type { Queue } from '@mq/core'
import { type UserCreated, userCreated } from './events.js'

/** The users of the web server. */
export interface Users {
  /** Stores a user and publishes the event, or does neither. Resolves with the id of the event. */
  signUp(user: UserCreated, eventId: string): Promise<string>
  /** How many users of this run are in the database. Undefined without one. */
  count(): Promise<number | undefined>
  close(): Promise<void>
}

/** Without a database, the event is all that is stored. */
export const withoutDatabase = (queue: Queue): Users => ({
  async signUp(user, id) {
    return (await queue.publish(userCreated, user, { id })).id
  },
  count: async () => undefined,
  close: async () => {},
})

/**
 * Keeps users in PostgreSQL, with the event in the same transaction. The event is a message if the queue is in that database. Otherwise it is
 * written to an outbox, from which it is sent to the broker.
 */
export async function inDatabase(
  queue: Queue,
  { url, run }: { readonly url: string; readonly run: string },
): Promise<Users> {
  // Imported only when they are used, so that they need not be installed.
  const [{ Pool }, { createOutbox }] = await Promise.all([import('pg'), import('@mq/postgres')])
  const pool = new Pool({ connectionString: url })
  pool.on('error', () => {})
  const outbox = createOutbox({ pool, source: '/demo' })
  await outbox.connect()
  if (!queue.capabilities.joinsTransactions) await outbox.relay(queue)
  await pool.query('CREATE TABLE IF NOT EXISTS mq_demo_users (run text, id text, email text, PRIMARY KEY (run, id))')
  return {
    async signUp(user, id) {
      const client = await pool.connect()
      try {
        await client.query('BEGIN')
        const values = [run, user.userId, user.email]
        await client.query('INSERT INTO mq_demo_users (run, id, email) VALUES ($1, $2, $3)', values)
        const published = queue.capabilities.joinsTransactions
          ? await queue.publish(userCreated, user, { id, transaction: client })
          : await outbox.publish(client, userCreated, user, { id })
        await client.query('COMMIT')
        return published.id
      } catch (error) {
        await client.query('ROLLBACK').catch(() => {})
        throw error
      } finally {
        client.release()
      }
    },
    async count() {
      const { rows } = await pool.query('SELECT count(*)::int AS users FROM mq_demo_users WHERE run = $1', [run])
      return rows[0]?.users
    },
    async close() {
      await outbox.disconnect({ timeoutMs: 1_000 })
      await pool.end()
    },
  }
}

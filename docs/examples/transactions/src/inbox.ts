import { openQueue, type QueueAddress } from '@mq/core'
import { createInbox } from '@mq/postgres'
import { Pool } from 'pg'

/** Counts the users that others tell it about, each of them once, however often the message comes. */
export async function openCounter(databaseUrl: string, broker: QueueAddress) {
  const pool = new Pool({ connectionString: databaseUrl })
  const inbox = createInbox({ pool, consumer: 'counter' })
  await inbox.connect()
  const queue = await openQueue(broker, { group: 'counter' })
  await queue.subscribe('user.created', async (message) => {
    const client = await pool.connect()
    try {
      await client.query('BEGIN')
      await inbox.once(message, client, () => client.query('UPDATE counts SET users = users + 1'))
      await client.query('COMMIT')
    } catch (error) {
      await client.query('ROLLBACK')
      throw error
    } finally {
      client.release()
    }
  })
  return {
    async close(): Promise<void> {
      await queue.disconnect()
      await pool.end()
    },
  }
}

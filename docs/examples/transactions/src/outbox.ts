import { openQueue, type QueueAddress } from '@mq/core'
import { createOutbox } from '@mq/postgres'
import { Pool } from 'pg'

/** Stores users in PostgreSQL, and tells others by a broker: Redis, RabbitMQ or Kafka. */
export async function openService(databaseUrl: string, broker: QueueAddress) {
  const pool = new Pool({ connectionString: databaseUrl })
  const outbox = createOutbox({ pool })
  await outbox.connect()
  const queue = await openQueue(broker)
  await outbox.relay(queue)
  return {
    /** Stores a user and the event, or neither. The relay sends the event soon after the commit. */
    async signUp(email: string): Promise<void> {
      const client = await pool.connect()
      try {
        await client.query('BEGIN')
        await client.query('INSERT INTO users (email) VALUES ($1)', [email])
        await outbox.publish(client, 'user.created', { email }, { key: email })
        await client.query('COMMIT')
      } catch (error) {
        await client.query('ROLLBACK')
        throw error
      } finally {
        client.release()
      }
    },
    async close(): Promise<void> {
      await outbox.disconnect()
      await queue.disconnect()
      await pool.end()
    },
  }
}

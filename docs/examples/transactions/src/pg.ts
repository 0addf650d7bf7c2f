import type { Queue } from '@mq/core'
import { Pool } from 'pg'

export function openDatabase(url: string) {
  const pool = new Pool({ connectionString: url })
  return {
    /** Stores a user and publishes the event, or does neither. */
    async signUp(queue: Queue, email: string): Promise<void> {
      const client = await pool.connect()
      try {
        await client.query('BEGIN')
        await queue.publish('user.created', { email }, { transaction: client })
        await client.query('INSERT INTO users (email) VALUES ($1)', [email])
        await client.query('COMMIT')
      } catch (error) {
        await client.query('ROLLBACK')
        throw error
      } finally {
        client.release()
      }
    },
    close: () => pool.end(),
  }
}

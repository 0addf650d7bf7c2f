import type { Queue, RunStatement } from '@mq/core'
import { type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { pgTable, text } from 'drizzle-orm/pg-core'
import { Pool } from 'pg'

const users = pgTable('users', { email: text('email').primaryKey() })

/** Runs the statements of @mq in a transaction of Drizzle, which writes the parameters itself. */
const within =
  (tx: { execute(query: SQL): Promise<unknown> }): RunStatement =>
  (statement, values) => {
    const [first = '', ...others] = statement.split(/\$\d+/)
    const parts = others.flatMap((part, index) => [sql`${values[index]}`, sql.raw(part)])
    return tx.execute(sql.join([sql.raw(first), ...parts]))
  }

export function openDatabase(url: string) {
  const pool = new Pool({ connectionString: url })
  const db = drizzle(pool)
  return {
    /** Stores a user and publishes the event, or does neither. */
    async signUp(queue: Queue, email: string): Promise<void> {
      await db.transaction(async (tx) => {
        await queue.publish('user.created', { email }, { transaction: within(tx) })
        await tx.insert(users).values({ email })
      })
    },
    close: () => pool.end(),
  }
}

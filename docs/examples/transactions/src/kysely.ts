import type { Queue, RunStatement } from '@mq/core'
import { CompiledQuery, Kysely, PostgresDialect, type Transaction } from 'kysely'
import { Pool } from 'pg'

interface Tables {
  users: { email: string }
}

/** Runs the statements of @mq in a transaction of Kysely. */
const within =
  (trx: Transaction<Tables>): RunStatement =>
  (statement, values) =>
    trx.executeQuery(CompiledQuery.raw(statement, values))

export function openDatabase(url: string) {
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: new Pool({ connectionString: url }) }) })
  return {
    /** Stores a user and publishes the event, or does neither. */
    async signUp(queue: Queue, email: string): Promise<void> {
      await db.transaction().execute(async (trx) => {
        await queue.publish('user.created', { email }, { transaction: within(trx) })
        await trx.insertInto('users').values({ email }).execute()
      })
    },
    close: () => db.destroy(),
  }
}

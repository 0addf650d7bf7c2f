import type { Queue, RunStatement } from '@mq/core'
import knex, { type Knex } from 'knex'

/** Runs the statements of @mq in a transaction of Knex, whose parameters are question marks. */
const within =
  (trx: Knex.Transaction): RunStatement =>
  (statement, values) =>
    trx.raw(statement.replaceAll(/\$\d+/g, '?'), values as Knex.RawBinding[])

export function openDatabase(url: string) {
  const db = knex({ client: 'pg', connection: url })
  return {
    /** Stores a user and publishes the event, or does neither. */
    async signUp(queue: Queue, email: string): Promise<void> {
      await db.transaction(async (trx) => {
        await queue.publish('user.created', { email }, { transaction: within(trx) })
        await trx('users').insert({ email })
      })
    },
    close: () => db.destroy(),
  }
}

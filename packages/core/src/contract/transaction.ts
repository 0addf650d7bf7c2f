import { shown } from './checks/shown.js'

/** Runs a statement in an open transaction. Its parameters are `$1`, `$2`, each of them once and in this order. */
export type RunStatement = (text: string, values: unknown[]) => Promise<unknown>

/**
 * An open transaction of the application, in the database where the queue has its tables. It is the client on which it was begun, or a
 * function that runs a statement in it. `docs/transactions.md` has one for each of the usual libraries.
 */
export type Transaction = RunStatement | { query(text: string, values: unknown[]): Promise<unknown> }

/** Returns the function that runs a statement. Throws a `TypeError` if the value is no transaction. */
export function runnerOf(transaction: unknown): RunStatement {
  if (typeof transaction === 'function') return transaction as RunStatement
  if (typeof transaction === 'object' && transaction !== null && 'query' in transaction) {
    const { query } = transaction
    if (typeof query === 'function') return (text, values) => query.call(transaction, text, values)
  }
  throw new TypeError(
    `transaction must be the client of a transaction or a function that runs a statement in it, not ${shown(transaction)}`,
  )
}

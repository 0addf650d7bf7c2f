import {
  isMqError,
  MqError,
  type OutgoingMessage,
  type RunStatement,
  type StoreOutcome,
  withTimeout,
} from '@mq/core/adapter'

/** A statement that is run in a transaction of the application. */
export interface StatementWithin {
  readonly transaction: RunStatement
  readonly text: string
  readonly values: unknown[]
  readonly timeoutMs: number
}

/** The row of an answer. */
export type AnswerRow = Readonly<Record<string, unknown>>

/**
 * Runs a statement in a transaction of the application. Resolves with the row of its answer, or with undefined if the application's function
 * returns something else than rows. Rejects with `MQ_TIMEOUT`, or with what the function rejects with.
 */
export async function runWithin({
  transaction,
  text,
  values,
  timeoutMs,
}: StatementWithin): Promise<AnswerRow | undefined> {
  const late = (): MqError => new MqError('MQ_TIMEOUT', `The transaction gave no answer in ${timeoutMs} ms`)
  return rowOf(await withTimeout(transaction(text, values), timeoutMs, late))
}

/** Nobody knows yet which groups there will be when the transaction commits. */
const written: StoreOutcome = { status: 'stored', routed: 'unknown' }

/** An error has ended the transaction, so nothing of it will be stored. Without an answer, it may still commit. */
function failed(cause: unknown): StoreOutcome {
  if (isMqError(cause, 'MQ_TIMEOUT')) return { status: 'unknown', routed: 'unknown', error: cause }
  const error = new MqError('MQ_PUBLISH_REJECTED', `Not published: ${reasonOf(cause)}. Roll the transaction back`, {
    cause,
  })
  return { status: 'rejected', routed: 'unknown', error }
}

/** Resolves with the outcomes of messages that one statement writes. */
export async function outcomesOf(
  messages: readonly OutgoingMessage[],
  write: () => Promise<void>,
): Promise<readonly StoreOutcome[]> {
  try {
    await write()
    return messages.map(() => written)
  } catch (error) {
    return messages.map(() => failed(error))
  }
}

/** How many causes of an error are looked at. */
const maxCauses = 5

/** Explains an error of a statement in a transaction of the application. */
export const reasonOf = (cause: unknown): string =>
  helpFor(cause) ?? (cause instanceof Error ? cause.message : String(cause))

/** Explains the errors of our functions, which a library may have wrapped. */
function helpFor(cause: unknown, depth = 0): string | undefined {
  if (!(cause instanceof Error) || depth > maxCauses) return undefined
  const { message } = cause
  if (/in another database than|function .*_1\(.* does not exist|schema ".*" does not exist/.test(message)) {
    return 'the transaction is in another database than the tables of @mq/postgres, or they were not made yet'
  }
  if (message.includes('no transaction was begun')) {
    return 'no transaction was begun on what was passed as transaction. Pass the client on which BEGIN has run, not a pool'
  }
  return helpFor(cause.cause, depth + 1)
}

/** Finds the row in what the application's function returns: rows, or an object with rows. */
export function rowOf(answer: unknown): AnswerRow | undefined {
  const rows: unknown = Array.isArray(answer) ? answer : (answer as { rows?: unknown } | null | undefined)?.rows
  const row: unknown = Array.isArray(rows) ? rows[0] : undefined
  return typeof row === 'object' && row !== null ? (row as AnswerRow) : undefined
}

import { setTimeout as sleep } from 'node:timers/promises'
import { isMqError, MqError, type RunStatement, withTimeout } from '@mq/core/adapter'
import { createDatabase } from '../connection/database.js'
import { operationError, statementError, willPass } from '../connection/errors.js'
import type { Settings } from '../options.js'
import { type AnswerRow, reasonOf, rowOf } from '../publish/within.js'
import { inSchema } from '../topology/names.js'
import { prepareByItself } from '../topology/prepare.js'

/** A call of a store. */
export interface StoredCall {
  /** Names the call in an error. */
  readonly what: string
  readonly text: string
  readonly values: unknown[]
  /** A second run could not tell the first one from that of another caller, so it is not repeated after a lost answer. */
  readonly once: boolean
}

/** Runs a call, and resolves with the row of its answer, if there is one. */
export type RunStored = (call: StoredCall) => Promise<AnswerRow | undefined>

const pauseMs = 50
/** How often a store that is used removes what is over. */
const tidyMs = 30_000
const connections = 2

/** Creates the function that runs the calls of a store, by connections of its own or of a pool. */
export function storeRunner(settings: Settings): { readonly run: RunStored; readonly close: () => Promise<void> } {
  const { commandTimeoutMs, schema } = settings
  const database = createDatabase(settings, { size: connections, isConsuming: true })
  const tidyText = inSchema('SELECT mq.store_tidy_1()', schema)
  let preparing: Promise<void> | undefined
  let tidiedAt = performance.now()
  let isClosed = false

  function prepared(): Promise<void> {
    preparing ??= prepareByItself(settings).catch((error) => {
      preparing = undefined
      throw error
    })
    return preparing
  }

  function tidy(): void {
    if (performance.now() - tidiedAt < tidyMs) return
    tidiedAt = performance.now()
    database.query(tidyText).catch(() => {})
  }

  async function attempt({ what, text, values, once }: StoredCall, endsAt: number): Promise<AnswerRow | undefined> {
    for (;;) {
      if (isClosed) throw new MqError('MQ_CLOSED', 'The store was disconnected; create a new one')
      try {
        await prepared()
        const [row] = await database.query(text, values)
        tidy()
        return row
      } catch (cause) {
        if (isMqError(cause) && cause.code !== 'MQ_CONNECT_FAILED' && cause.code !== 'MQ_CONNECT_TIMEOUT') throw cause
        const error = isMqError(cause) ? undefined : statementError(cause)
        const mayPass =
          error === undefined || error.kind === 'unsent' || (error.kind === 'unanswered' && !once) || willPass(error)
        if (!mayPass || performance.now() + pauseMs >= endsAt) throw failure(what, cause)
      }
      await sleep(pauseMs)
    }
  }

  return {
    async run(call) {
      const late = (): MqError =>
        new MqError('MQ_TIMEOUT', `${call.what} of the store had no answer within ${commandTimeoutMs} ms`)
      return await withTimeout(attempt(call, performance.now() + commandTimeoutMs), commandTimeoutMs + pauseMs, late)
    },
    async close() {
      isClosed = true
      database.close()
    },
  }
}

/** Creates the function that runs the calls of a store in a transaction. */
export const storeWithin =
  (transaction: RunStatement): RunStored =>
  async ({ what, text, values }) => {
    try {
      return rowOf(await transaction(text, values))
    } catch (cause) {
      const why = `${reasonOf(cause)}. Roll the transaction back`
      throw new MqError('MQ_OPERATION_FAILED', `${what} of the store failed in the transaction: ${why}`, { cause })
    }
  }

/** Nobody knows what became of a call whose connection was lost. */
function failure(what: string, cause: unknown): MqError {
  if (isMqError(cause)) return new MqError('MQ_CONNECTION_LOST', `${what} of the store: ${cause.message}`, { cause })
  const error = statementError(cause)
  if (error.kind === 'refused') return operationError(`${what} of the store`, error)
  return new MqError('MQ_CONNECTION_LOST', `${what} of the store failed: ${error.message}`, { cause: error })
}

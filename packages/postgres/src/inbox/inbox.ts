import type { Message, Transaction } from '@mq/core'
import { integerOption, MqError, requireKnownOptions, runnerOf, textOption } from '@mq/core/adapter'
import { settingsOf } from '../options.js'
import { reasonOf, runWithin } from '../publish/within.js'
import { inSchema } from '../topology/names.js'
import { prepareByItself } from '../topology/prepare.js'
import { type InboxOptions, inboxNames } from './options.js'

/** Tells messages apart: one that was published twice has the same three. */
type Identity = Pick<Message, 'topic' | 'source' | 'id'>

/** Remembers which messages were handled, in the transaction in which that is done. So each has its effect once. */
export interface Inbox {
  /** Makes or raises the tables, and closes its connection. Rejects as the `connect` of a queue does. */
  connect(): Promise<void>
  /**
   * Runs `work` unless the message was handled before, and notes in the same transaction that it was. Resolves with whether it ran. If it
   * rejects, the transaction has to be rolled back; then the message counts as not handled. While another transaction handles the same
   * message, it waits for the end of that.
   */
  once(message: Identity, transaction: Transaction, work: () => unknown): Promise<boolean>
}

const weekMs = 7 * 24 * 60 * 60 * 1_000
const maxDaysMs = 366 * 24 * 60 * 60 * 1_000
/** How long a note may wait for the transaction of another run of the same message. */
const noteMs = 60_000

/** Creates an inbox in PostgreSQL 13 or newer. Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`. */
export function createInbox(options: InboxOptions): Inbox {
  requireKnownOptions(options, inboxNames, 'createInbox()')
  const { consumer: _, retainMs: __, ...others } = options
  const settings = settingsOf(others)
  const consumer = textOption(options, 'consumer', { mayBeEmpty: false })
  if (consumer === undefined || consumer.length > 100) {
    throw new MqError('MQ_INVALID_OPTION', 'createInbox() needs a consumer: a name of at most 100 characters')
  }
  const retainMs = integerOption(options, 'retainMs', { fallback: weekMs, min: 1_000, max: maxDaysMs })
  const text = inSchema('SELECT mq.inbox_once_1($1, $2, $3) AS is_new', settings.schema)

  return {
    connect: () => prepareByItself(settings),
    async once(message, transaction, work) {
      const values = [consumer, keyOf(message), retainMs]
      const row = await runWithin({ transaction: runnerOf(transaction), text, values, timeoutMs: noteMs }).catch(
        (cause) => {
          const why = `${reasonOf(cause)}. Roll the transaction back`
          throw new MqError('MQ_OPERATION_FAILED', `The inbox did not note the message ${message.id}: ${why}`, {
            cause,
          })
        },
      )
      if (typeof row?.is_new !== 'boolean') {
        throw new TypeError('The function that was passed as transaction must return the rows of its statement')
      }
      if (row.is_new) await work()
      return row.is_new
    },
  }
}

/** Ids hold no line break. */
const keyOf = ({ topic, source, id }: Identity): string => `${topic}\n${source}\n${id}`

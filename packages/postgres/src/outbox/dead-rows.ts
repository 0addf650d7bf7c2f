import { decodedOrUndefined, integerOption, type RawMessage } from '@mq/core/adapter'
import type { Database } from '../connection/database.js'
import { operationError } from '../connection/errors.js'
import type { Settings } from '../options.js'
import { inSchema } from '../topology/names.js'
import { readMessage } from '../wire/row.js'

/** A message that the broker has refused for good. */
export interface OutboxDeadRow {
  /** Names this entry. */
  readonly entryId: string
  readonly topic: string
  readonly message: RawMessage
  /** The decoded body. Undefined if it cannot be decoded. */
  readonly data: unknown
  /** Why it was refused. */
  readonly error: string
  readonly diedAt: Date
}

/** The messages of an outbox that the broker has refused for good. All calls reject with `MQ_OPERATION_FAILED`. */
export interface OutboxDeadRows {
  /** Lists the oldest first. `limit` is at most 10,000. Default: 100. */
  list(options?: { readonly limit?: number | undefined }): Promise<readonly OutboxDeadRow[]>
  /** Lets the relay send entries again, in their old places. Default: all. */
  replay(entryIds?: readonly string[]): Promise<{ readonly replayed: number }>
  /** Removes entries for good. Default: all. */
  purge(entryIds?: readonly string[]): Promise<{ readonly purged: number }>
}

const columns = 'id, topic, key, head, body, due, stored_at'
const maxLimit = 10_000

/** Creates the view of the entries. */
export function createDeadRows(database: Database, { schema }: Settings, onReplayed: () => void): OutboxDeadRows {
  const ask = (what: string, text: string, values: readonly unknown[]) =>
    database.query(inSchema(text, schema), values).catch((error) => {
      throw operationError(`${what} the dead messages of the outbox`, error)
    })

  return {
    async list(given = {}) {
      const limit = integerOption(given, 'limit', { fallback: 100, min: 1, max: maxLimit })
      const text = `SELECT d.id::text AS message, d.topic, d.key, d.head, encode(d.body, 'base64') AS body, d.error,
        (extract(epoch FROM d.stored_at) * 1000)::float8 AS stored_ms, (extract(epoch FROM d.died_at) * 1000)::float8 AS died_ms
        FROM mq.outbox_dead d ORDER BY d.id LIMIT $1`
      const rows = await ask('Listing', text, [limit])
      return rows.map((row) => {
        const topic = String(row.topic)
        const { message } = readMessage(row as never, topic)
        return {
          entryId: String(row.message),
          topic,
          message,
          data: decodedOrUndefined(message),
          error: String(row.error),
          diedAt: new Date(Number(row.died_ms)),
        }
      })
    },
    async replay(entryIds) {
      const text = `WITH gone AS (DELETE FROM mq.outbox_dead d WHERE $1::bigint[] IS NULL OR d.id = ANY ($1) RETURNING d.*)
        INSERT INTO mq.outbox (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM gone RETURNING id`
      const replayed = (await ask('Replaying', text, [idsOf(entryIds)])).length
      if (replayed > 0) onReplayed()
      return { replayed }
    },
    async purge(entryIds) {
      const text = 'DELETE FROM mq.outbox_dead d WHERE $1::bigint[] IS NULL OR d.id = ANY ($1) RETURNING 1 AS one'
      return { purged: (await ask('Purging', text, [idsOf(entryIds)])).length }
    },
  }
}

function idsOf(entryIds: readonly string[] | undefined): readonly string[] | null {
  if (entryIds === undefined) return null
  if (!Array.isArray(entryIds) || entryIds.some((id) => typeof id !== 'string')) {
    throw new TypeError('entryIds must be an array of strings')
  }
  // Another text names no entry.
  return entryIds.filter((id) => /^\d{1,18}$/.test(id))
}

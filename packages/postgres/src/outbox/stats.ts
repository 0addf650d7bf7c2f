import type { Database } from '../connection/database.js'
import { operationError } from '../connection/errors.js'
import type { Settings } from '../options.js'
import { inSchema } from '../topology/names.js'

/** The messages of an outbox, counted. */
export interface OutboxStats {
  /** Messages that were committed and not sent yet. */
  readonly waiting: number
  /** How long ago the oldest of them was written. 0 if there is none. */
  readonly oldestMs: number
  /** Messages that the broker has refused for good. */
  readonly dead: number
}

/** Rejects with `MQ_OPERATION_FAILED`. */
export async function statsOfOutbox(database: Database, { schema }: Settings): Promise<OutboxStats> {
  const text = `SELECT
    (SELECT count(*) FROM mq.outbox)::float8 AS waiting,
    (SELECT greatest(0, extract(epoch FROM clock_timestamp() - o.stored_at) * 1000) FROM mq.outbox o ORDER BY o.id LIMIT 1)::float8 AS oldest,
    (SELECT count(*) FROM mq.outbox_dead)::float8 AS dead`
  const [row] = await database.query(inSchema(text, schema)).catch((error) => {
    throw operationError('Counting the outbox', error)
  })
  return { waiting: Number(row?.waiting), oldestMs: Number(row?.oldest ?? 0), dead: Number(row?.dead) }
}

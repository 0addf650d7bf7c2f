import type { OutgoingMessage } from '@mq/core/adapter'
import type { Database } from '../connection/database.js'
import type { Settings } from '../options.js'
import { inSchema } from '../topology/names.js'
import { readMessage } from '../wire/row.js'

/** A message that waits in the outbox. */
export interface OutboxRow {
  readonly id: string
  readonly topic: string
  readonly message: OutgoingMessage
}

/** The fate of messages. */
export interface Settled {
  /** The rows that the broker has stored. */
  readonly sent: readonly string[]
  /** The rows that it has refused for good, and why. */
  readonly dead: readonly { readonly id: string; readonly error: string }[]
}

export interface RowsOptions {
  /** Names the relay. */
  readonly holder: string
  readonly leaseMs: number
  readonly batchSize: number
}

/** The bytes of the bodies that are read at a time. One message is read whatever its size. */
const maxBytes = 16 * 1024 * 1024

/** Creates what a relay does with the table. Its calls reject with a `StatementError`. */
export function createRows(
  database: Database,
  { schema, commandTimeoutMs }: Settings,
  { holder, leaseMs, batchSize }: RowsOptions,
) {
  const nextText = inSchema('SELECT * FROM mq.outbox_next_1($1, $2, $3, $4, $5, $6, $7)', schema)
  const turnText = inSchema('SELECT mq.outbox_turn_1($1, $2) AS is_mine', schema)
  const leaveText = inSchema('UPDATE mq.outbox_turn t SET until = clock_timestamp() WHERE t.holder = $1', schema)

  const settle = ({ sent, dead }: Settled, max: number) =>
    database.query(
      nextText,
      [holder, leaseMs, sent, dead.map(({ id }) => id), dead.map(({ error }) => error), max, maxBytes],
      4 * commandTimeoutMs,
    )

  return {
    /** Says what became of the last batch, and resolves with the next one if it is the turn of this relay. */
    async next(settled: Settled): Promise<{ readonly isMine: boolean; readonly batch: readonly OutboxRow[] }> {
      const rows = await settle(settled, batchSize)
      return { isMine: rows[0]?.is_mine !== false, batch: rows.filter(({ id }) => id !== null).map(rowOf) }
    },
    /** Says that the relay is there. Resolves with false if it has lost its turn. */
    async keepTurn(): Promise<boolean> {
      const [row] = await database.query(turnText, [holder, leaseMs])
      return row?.is_mine === true
    },
    /** Says what became of the last batch, and leaves the turn to others. */
    async leave(settled: Settled): Promise<void> {
      if (settled.sent.length + settled.dead.length > 0) await settle(settled, 0)
      await database.query(leaveText, [holder])
    },
  }
}

function rowOf(row: Readonly<Record<string, unknown>>): OutboxRow {
  const [id, topic] = [String(row.id), String(row.topic)]
  const { message } = readMessage({ ...row, message: id } as never, topic)
  const delayMs = Number(row.delay_ms ?? 0)
  return { id, topic, message: delayMs > 0 ? { ...message, delayMs: Math.ceil(delayMs) } : message }
}

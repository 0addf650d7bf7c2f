import type { Database } from '../connection/database.js'
import { inSchema } from '../topology/names.js'
import { failureOf, type MessageRow, messageColumns, readMessage } from '../wire/row.js'
import type { Claimed } from './runs.js'

export interface TakeRequest {
  readonly topic: string
  readonly grp: string
  readonly consumer: string
  readonly max: number
}

export interface Taken {
  readonly claimed: readonly Claimed[]
  /** How many claims had no message, because somebody has removed it from the table. */
  readonly gone: number
}

interface TakenRow extends MessageRow {
  readonly attempt: number
  readonly claim: number
  readonly failure: string | null
  readonly is_there: boolean
}

/** Only a consumer that is known takes messages, and only while its group is there and not paused. */
const mayTake = `EXISTS (SELECT FROM mq.groups g WHERE g.id = $1 AND g.paused_since IS NULL)
  AND EXISTS (SELECT FROM mq.consumers c WHERE c.id = $2 AND c.grp = $1)`

const claim = `UPDATE mq.deliveries d SET state = 'f', claim = d.claim + 1, consumer = $2, at = clock_timestamp()
  FROM picked p WHERE d.message = p.message AND d.grp = $1 AND d.state = 'r'
  RETURNING d.message, d.attempt, d.claim, d.failure`

const answer = `SELECT t.message::text, t.attempt, t.claim, t.failure, m.id IS NOT NULL AS is_there, ${messageColumns}
  FROM taken t LEFT JOIN mq.messages m ON m.id = t.message ORDER BY t.message`

/** Takes the oldest messages that are ready. */
const plain = `WITH picked AS MATERIALIZED (
  SELECT d.message FROM mq.deliveries d WHERE d.grp = $1 AND d.state = 'r' AND ${mayTake}
  ORDER BY d.message LIMIT $3 FOR UPDATE SKIP LOCKED
), taken AS (${claim}) ${answer}`

/**
 * Takes the oldest message of each key that has none in flight, going from key to key behind `$4`, and messages without a key. A lane is the
 * right to run the messages of a key: a row that only one transaction can insert.
 */
const ordered = `WITH RECURSIVE heads AS (
  (SELECT d.key, d.message FROM mq.deliveries d WHERE d.grp = $1 AND d.state = 'r' AND d.key > $4
    ORDER BY d.key, d.message LIMIT 1)
  UNION ALL
  SELECT n.key, n.message FROM heads h CROSS JOIN LATERAL (
    SELECT d.key, d.message FROM mq.deliveries d WHERE d.grp = $1 AND d.state = 'r' AND d.key > h.key
    ORDER BY d.key, d.message LIMIT 1
  ) n
), keyed AS MATERIALIZED (
  SELECT h.key, h.message FROM heads h
  WHERE NOT EXISTS (SELECT FROM mq.lanes l WHERE l.grp = $1 AND l.key = h.key) LIMIT $3
), keyless AS MATERIALIZED (
  SELECT NULL::text AS key, d.message FROM mq.deliveries d WHERE d.grp = $1 AND d.state = 'r' AND d.key IS NULL
  ORDER BY d.message LIMIT $3
), wanted AS MATERIALIZED (
  SELECT * FROM (SELECT * FROM keyed UNION ALL SELECT * FROM keyless) AS u ORDER BY u.message LIMIT $3
), locked AS MATERIALIZED (
  SELECT d.message, d.key FROM mq.deliveries d
  WHERE d.grp = $1 AND d.state = 'r' AND d.message IN (SELECT w.message FROM wanted w) AND ${mayTake}
  FOR UPDATE SKIP LOCKED
), opened AS (
  INSERT INTO mq.lanes (grp, key, message)
  SELECT $1, l.key, l.message FROM locked l WHERE l.key IS NOT NULL ORDER BY l.key
  ON CONFLICT DO NOTHING RETURNING message
), picked AS MATERIALIZED (
  SELECT l.message FROM locked l WHERE l.key IS NULL UNION ALL SELECT o.message FROM opened o
), taken AS (${claim}) ${answer}`

/** The statements of a schema that claim messages. */
export function takeStatements(schema: string) {
  const texts = { plain: inSchema(plain, schema), ordered: inSchema(ordered, schema) }
  return {
    /** Claims messages that are ready, the oldest first. */
    async plain(database: Database, { topic, grp, consumer, max }: TakeRequest): Promise<Taken> {
      return taken(await database.query(texts.plain, [grp, consumer, max]), { topic, grp })
    },
    /** Claims messages of keys that are free, behind the key `after`, and messages without a key. */
    async ordered(database: Database, { topic, grp, consumer, max }: TakeRequest, after: string): Promise<Taken> {
      return taken(await database.query(texts.ordered, [grp, consumer, max, after]), { topic, grp })
    },
  }
}

function taken(rows: readonly unknown[], { topic, grp }: { readonly topic: string; readonly grp: string }): Taken {
  const found = (rows as readonly TakenRow[]).filter(({ is_there }) => is_there)
  const claimed = found.map((row): Claimed => {
    const { attempt, claim: number, failure, message } = row
    return { ...readMessage(row, topic), attempt, failure: failureOf(failure), row: message, grp, claim: number }
  })
  return { claimed, gone: rows.length - found.length }
}

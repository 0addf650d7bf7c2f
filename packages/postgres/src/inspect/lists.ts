import type { Failure, MessageState, Page, PageRequest, RawMessage } from '@mq/core/adapter'
import type { Database } from '../connection/database.js'
import { operationError } from '../connection/errors.js'
import { inSchema } from '../topology/names.js'
import { failureOf, type MessageRow, messageColumns, readMessage } from '../wire/row.js'
import { cursorOf, cursorText } from './cursor.js'

/** A message of a list. */
export interface Listed {
  readonly row: string
  readonly claim: number
  readonly atMs: number
  readonly attempt: number
  readonly failure: Failure | undefined
  readonly message: RawMessage
}

export interface ListRequest extends PageRequest {
  readonly schema: string
  readonly topic: string
  readonly grp: string
}

interface ListRow extends MessageRow {
  readonly claim: number
  readonly attempt: number
  readonly failure: string | null
  readonly at_us: string
  readonly before: string
}

const letters = { ready: 'r', retrying: 'w', inFlight: 'f', dead: 'd' } as const

/** How many bytes of bodies a page has at most, unless its first message alone has more. */
const maxPageBytes = 8 * 1024 * 1024

const microseconds = (column: string): string => `(extract(epoch FROM ${column}) * 1000000)::bigint`
const time = (parameter: string): string => `('epoch'::timestamptz + ${parameter}::bigint * interval '1 microsecond')`

/** Cuts a page where it would become too large. It always has one row, and says what is behind it by one row more than wanted. */
const cut = (rows: string, order: string): string => `SELECT * FROM (
  SELECT r.*, sum(octet_length(r.body)) OVER (ORDER BY ${order}) - octet_length(r.body) AS before FROM (${rows}) r
) c ORDER BY ${order}`

const columns = 'd.message::text AS message, d.claim, d.attempt, d.failure'
const from = 'FROM mq.deliveries d JOIN mq.messages m ON m.id = d.message'

/** Messages that are ready come in the order in which they are taken. */
const readyRows = `SELECT d.message AS place, 0::bigint AS at_us, ${columns}, ${messageColumns} ${from}
  WHERE d.grp = $1 AND d.state = 'r' AND d.message > $3::bigint AND $4::bigint IS NOT NULL ORDER BY d.message LIMIT $2`

const timedRows = (letter: string): string =>
  `SELECT d.message AS place, ${microseconds('d.at')} AS at_us, ${columns}, ${messageColumns} ${from}
  WHERE d.grp = $1 AND d.state = '${letter}' AND (d.at, d.message) > (${time('$4')}, $3::bigint)
  ORDER BY d.at, d.message LIMIT $2`

/** A delayed message belongs to its topic until it is due. */
const delayedRows = `SELECT m.id AS place, ${microseconds('m.due')} AS at_us, m.id::text AS message, 0 AS claim, 1 AS attempt,
    NULL::text AS failure, m.key, m.head, encode(m.body, 'base64') AS body, (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS stored_ms
  FROM mq.delayed m JOIN mq.groups g ON g.topic = m.topic
  WHERE g.id = $1 AND (m.due, m.id) > (${time('$4')}, $3::bigint)
    AND NOT EXISTS (SELECT FROM mq.skips s WHERE s.delayed = m.id AND s.grp = $1)
  ORDER BY m.due, m.id LIMIT $2`

const texts = {
  ready: cut(readyRows, 'place'),
  retrying: cut(timedRows(letters.retrying), 'at_us, place'),
  inFlight: cut(timedRows(letters.inFlight), 'at_us, place'),
  dead: cut(timedRows(letters.dead), 'at_us, place'),
  delayed: cut(delayedRows, 'at_us, place'),
}

/** Lists a page of the messages of a group in one state. Rejects with `MQ_INVALID_OPTION` or `MQ_OPERATION_FAILED`. */
export async function listPage(
  database: Database,
  state: MessageState | 'dead',
  { schema, topic, grp, limit, after }: ListRequest,
): Promise<Page<Listed>> {
  const { at, row } = cursorOf(after)
  const found = await database.query(inSchema(texts[state], schema), [grp, limit + 1, row, at]).catch((error) => {
    throw operationError('Listing messages', error)
  })
  const rows = found as readonly unknown[] as readonly ListRow[]
  const fitting = rows.filter(({ before }, index) => index < limit && (index === 0 || Number(before) < maxPageBytes))
  const last = fitting.at(-1)
  return {
    items: fitting.map((one) => listed(one, topic)),
    ...(fitting.length < rows.length && last && { next: cursorText({ at: String(last.at_us), row: last.message }) }),
  }
}

const listed = (row: ListRow, topic: string): Listed => ({
  row: row.message,
  claim: row.claim,
  atMs: Math.round(Number(row.at_us) / 1_000),
  attempt: row.attempt,
  failure: failureOf(row.failure),
  message: readMessage(row, topic).message,
})

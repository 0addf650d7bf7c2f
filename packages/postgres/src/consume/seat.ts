import type { Link } from '../connection/link.js'
import { inSchema } from '../topology/names.js'
import { newId } from './membership.js'
import type { Run } from './runs.js'

export interface SeatParts {
  readonly schema: string
  readonly link: Link
  /** The id of the process. */
  readonly process: string
}

const sitText = 'INSERT INTO mq.consumers (id, process, grp) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING'

/**
 * Gives a consumer a new id. What its runs hold goes with it. What it has claimed without knowing, because an answer was lost, is ready
 * again, and a statement that is still on its way claims nothing for the old id.
 */
const moveText = `WITH fresh AS (
  INSERT INTO mq.consumers (id, process, grp) VALUES ($1, $2, $3)
), kept AS (
  UPDATE mq.deliveries d SET consumer = $1
  FROM unnest($5::bigint[]) AS r(message) WHERE d.grp = $3 AND d.message = r.message AND d.state = 'f' AND d.consumer = $4
), freed AS (
  UPDATE mq.deliveries d SET state = 'r', consumer = NULL
  WHERE d.grp = $3 AND d.state = 'f' AND d.consumer = $4 AND d.message <> ALL ($5::bigint[])
  RETURNING d.message, d.key
), opened AS (
  DELETE FROM mq.lanes l USING freed f WHERE l.grp = $3 AND l.key = f.key AND l.message = f.message
)
DELETE FROM mq.consumers c WHERE c.id = $4`

/** Gives back what a consumer holds, and removes it. */
const leaveText = `WITH freed AS (
  UPDATE mq.deliveries d SET state = 'r', consumer = NULL WHERE d.grp = $1 AND d.state = 'f' AND d.consumer = $2
  RETURNING d.message, d.key
), opened AS (
  DELETE FROM mq.lanes l USING freed f WHERE l.grp = $1 AND l.key = f.key AND l.message = f.message
)
DELETE FROM mq.consumers c WHERE c.id = $2`

/** Gives back, with an attempt that counts, what this process has taken for lost. */
const loseText = `WITH freed AS (
  UPDATE mq.deliveries d SET state = 'r', consumer = NULL, attempt = d.attempt + 1, at = clock_timestamp()
  FROM unnest($1::bigint[], $2::bigint[], $3::int[]) AS r(message, grp, claim)
  WHERE d.message = r.message AND d.grp = r.grp AND d.claim = r.claim AND d.state = 'f'
  RETURNING d.message, d.grp, d.key
)
DELETE FROM mq.lanes l USING freed f WHERE l.grp = f.grp AND l.key = f.key AND l.message = f.message`

/** The place of a consumer at the database: the id under which it claims messages. */
export class Seat {
  /** Undefined until the database knows the consumer. */
  id: string | undefined
  readonly #parts: SeatParts
  readonly #texts: Readonly<Record<'sit' | 'move' | 'leave' | 'lose', string>>
  /** Runs that were taken for lost. The database still shows them as in flight. */
  #lost: Run[] = []

  constructor(parts: SeatParts) {
    this.#parts = parts
    const of = (text: string): string => inSchema(text, parts.schema)
    this.#texts = { sit: of(sitText), move: of(moveText), leave: of(leaveText), lose: of(loseText) }
  }

  /** Makes the consumer known. Rejects with a `StatementError`. */
  async sit(grp: string): Promise<void> {
    const id = newId()
    await this.#query(this.#texts.sit, [id, this.#parts.process, grp])
    this.id = id
  }

  /** Takes a new id after an answer was lost. Rejects with a `StatementError`, and may be repeated. */
  async move(grp: string, runs: readonly Run[]): Promise<void> {
    const id = newId()
    const rows = runs.map(({ row }) => row)
    await this.#query(this.#texts.move, [id, this.#parts.process, grp, this.id, rows])
    this.id = id
  }

  async leave(grp: string): Promise<void> {
    if (this.id !== undefined) await this.#query(this.#texts.leave, [grp, this.id])
    this.id = undefined
  }

  noteLost(runs: readonly Run[]): void {
    this.#lost.push(...runs)
  }

  /** Tells the database what was taken for lost. Rejects with a `StatementError`, and is repeated later. */
  async giveUpLost(): Promise<void> {
    const lost = this.#lost
    if (lost.length === 0) return
    const values = [lost.map(({ row }) => row), lost.map(({ grp }) => grp), lost.map(({ claim }) => claim)]
    await this.#query(this.#texts.lose, values)
    this.#lost = this.#lost.filter((run) => !lost.includes(run))
  }

  async #query(text: string, values: readonly unknown[]): Promise<void> {
    await this.#parts.link.consuming.query(text, values)
  }
}

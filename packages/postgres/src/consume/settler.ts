import { setTimeout as sleep } from 'node:timers/promises'
import { type BackoffPauses, backoff, encodeFailure, type MqError, type Settlement } from '@mq/core/adapter'
import { operationError, statementError, willPass } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import { inSchema } from '../topology/names.js'
import type { Run, Runs } from './runs.js'

/** A settlement on its way to the database. */
interface Order {
  readonly run: Run
  readonly runs: Pick<Runs, 'has' | 'end'>
  readonly settlement: Settlement
  readonly onSettled: () => void
}

export interface SettlerParts {
  readonly schema: string
  readonly link: Link
  readonly onError: (error: MqError) => void
}

const maxOrders = 500
const maxInFlight = 2
const minPauseMs = 20
const maxPauseMs = 1_000

/** The states by the kinds of settlements: what is done leaves the table. */
const kinds = { done: '-', release: 'r', retry: 'w', dead: 'd' } as const

/**
 * Ends claims: each row takes effect only if its claim still holds. The lane of a key is free again in the same moment.
 */
const settleText = `WITH given AS MATERIALIZED (
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::text[], $5::float8[], $6::text[])
    AS g(message, grp, claim, kind, delay, failure)
), done AS (
  DELETE FROM mq.deliveries d USING given g
  WHERE g.kind = '-' AND d.message = g.message AND d.grp = g.grp AND d.claim = g.claim AND d.state = 'f'
  RETURNING d.message, d.grp, d.key
), kept AS (
  UPDATE mq.deliveries d SET
    state = (CASE WHEN g.kind = 'w' AND g.delay <= 0 THEN 'r' ELSE g.kind END)::"char",
    at = clock_timestamp() + CASE WHEN g.kind = 'w' THEN g.delay ELSE 0 END * interval '1 ms',
    attempt = d.attempt + CASE WHEN g.kind = 'w' THEN 1 ELSE 0 END,
    failure = coalesce(g.failure, d.failure),
    consumer = NULL
  FROM given g
  WHERE g.kind <> '-' AND d.message = g.message AND d.grp = g.grp AND d.claim = g.claim AND d.state = 'f'
  RETURNING d.message, d.grp, d.key
)
DELETE FROM mq.lanes l USING (SELECT * FROM done UNION ALL SELECT * FROM kept) AS s
WHERE l.grp = s.grp AND l.key = s.key AND l.message = s.message`

/** Carries out the settlements of all consumers of a process, many in one statement. */
export class Settler {
  readonly #text: string
  readonly #parts: SettlerParts
  #waiting: Order[] = []
  #inFlight = 0
  #isPlanned = false

  constructor(parts: SettlerParts) {
    this.#parts = parts
    this.#text = inSchema(settleText, parts.schema)
  }

  /** Carries out a settlement, and then ends the run. Does nothing for a run that was lost. */
  settle(order: Order): void {
    if (!order.runs.has(order.run)) return
    order.run.isSettling = true
    this.#waiting.push(order)
    this.#plan()
  }

  /** Collects the settlements of one turn of the event loop. */
  #plan(): void {
    if (this.#isPlanned || this.#inFlight >= maxInFlight || this.#waiting.length === 0) return
    this.#isPlanned = true
    setImmediate(() => {
      this.#isPlanned = false
      if (this.#inFlight < maxInFlight) void this.#send(this.#waiting.splice(0, maxOrders))
    })
  }

  async #send(batch: readonly Order[]): Promise<void> {
    this.#inFlight += 1
    await this.#untilSettled(batch)
    this.#inFlight -= 1
    this.#plan()
  }

  /**
   * Repeats until it succeeds, the messages belong to others, or the link is closed. Repeating it after a lost answer does no harm, because
   * the claims are over then.
   */
  async #untilSettled(batch: readonly Order[]): Promise<void> {
    const { link, onError } = this.#parts
    let pauses: BackoffPauses | undefined
    let isReported = false
    let owned = batch.filter(({ run, runs }) => runs.has(run))
    while (owned.length > 0 && !link.isClosed) {
      try {
        await link.consuming.query(this.#text, valuesOf(owned))
        break
      } catch (error) {
        const failed = statementError(error)
        if (!isReported && failed.kind === 'refused') {
          isReported = true
          if (!willPass(failed)) onError(operationError('Settling a message', failed))
        }
        pauses ??= backoff({ minMs: minPauseMs, maxMs: maxPauseMs })
        const pauseMs = pauses.next()
        if (link.isUp) await sleep(pauseMs)
        else await link.whenUp(maxPauseMs)
      }
      owned = owned.filter(({ run, runs }) => runs.has(run))
    }
    for (const { run, runs, onSettled } of owned) {
      onSettled()
      runs.end(run)
    }
  }
}

function valuesOf(orders: readonly Order[]): readonly unknown[] {
  return [
    orders.map(({ run }) => run.row),
    orders.map(({ run }) => run.grp),
    orders.map(({ run }) => run.claim),
    orders.map(({ settlement }) => kinds[settlement.kind]),
    orders.map(({ settlement }) => (settlement.kind === 'retry' ? settlement.delayMs : 0)),
    orders.map(({ settlement }) => ('failure' in settlement ? encodeFailure(settlement.failure) : null)),
  ]
}

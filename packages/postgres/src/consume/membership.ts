import { randomBytes } from 'node:crypto'
import type { Connection } from '../connection/connection.js'
import type { Link } from '../connection/link.js'
import type { Settings } from '../options.js'
import { channelOf, inSchema } from '../topology/names.js'
import { Lease } from './lease.js'

const renewText = `INSERT INTO mq.processes AS p (id, visibility_ms, has_presence) VALUES ($1, $2, $3)
  ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp() RETURNING (p.xmax = 0) AS is_new`

/** The entry of this process at the server while it consumes. */
export class Membership {
  /** The id of the process, and the number of the lock that shows that it is there. */
  readonly id = newId()
  readonly lease: Lease
  readonly #settings: Settings
  readonly #link: Link
  readonly #renewText: string
  #isKnown = false

  constructor(settings: Settings, link: Link) {
    this.#settings = settings
    this.#link = link
    this.#renewText = inSchema(renewText, settings.schema)
    this.lease = new Lease({
      visibilityMs: settings.visibilityMs,
      hasPresence: settings.listen,
      isPresent: () => link.isUp,
    })
  }

  /** Prepares a new session to listen, and to show that the process is there for as long as the session lasts. */
  async prepare(connection: Connection): Promise<void> {
    if (!this.#settings.listen) return
    await connection.query(`LISTEN "${channelOf(this.#settings.schema)}"`)
    // The lock is shared, because a session that was lost may not have ended yet.
    await connection.query('SELECT pg_advisory_lock_shared($1)', [this.id])
  }

  /** Says that the process is there. Resolves to true if the server did not know it, though it had been known. */
  async renew(): Promise<boolean> {
    const sentAt = performance.now()
    const { visibilityMs, listen } = this.#settings
    const [row] = await this.#link.query(this.#renewText, [this.id, visibilityMs, listen])
    this.lease.noteRenewed(sentAt)
    const wasForgotten = this.#isKnown && row?.is_new === true
    this.#isKnown = true
    return wasForgotten
  }

  /** Says that the process is leaving. */
  async leave(): Promise<void> {
    if (!this.#isKnown) return
    await this.#link.consuming.query(inSchema('DELETE FROM mq.processes p WHERE p.id = $1', this.#settings.schema), [
      this.id,
    ])
  }
}

/** Returns a number that no other process has, as a `bigint` of PostgreSQL. */
export const newId = (): string => (randomBytes(8).readBigUInt64BE() >> 2n).toString()

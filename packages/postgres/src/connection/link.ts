import { type BackoffPauses, backoff, closedError, MqError, withTimeout } from '@mq/core/adapter'
import { whereOf } from '../options/url.js'
import type { Settings } from '../options.js'
import { type Connection, openConnection, type Row, wrapPooled } from './connection.js'
import { createDatabase, type Database } from './database.js'
import { connectError, StatementError } from './errors.js'
import { Waiters } from './waiters.js'

export interface LinkEvents {
  /** Prepares each new connection before the link counts as up. If it rejects, the connection is given up. */
  readonly prepare: (connection: Connection) => Promise<void>
  readonly onUp?: () => void
  readonly onDown?: (error: MqError) => void
  /** Called if a new connection is refused for a reason that does not end by itself. */
  readonly onError?: (error: MqError) => void
}

const minPauseMs = 50
const maxPauseMs = 1_000

/**
 * The connections of an adapter. One of them listens, shows that the process is there, and says whether the database is reachable. The
 * others are for publishing and for consuming, which differ if the database takes no writes.
 */
export class Link {
  readonly publishing: Database
  readonly consuming: Database
  readonly #settings: Settings
  readonly #events: LinkEvents
  readonly #waiters = new Waiters()
  readonly #pauses: BackoffPauses = backoff({ minMs: minPauseMs, maxMs: maxPauseMs, jitter: true })
  #connection: Connection | undefined
  #retry: NodeJS.Timeout | undefined
  #isClosed = false
  /** The code of the error that was reported since the connection was lost. */
  #reported: string | undefined
  #failOpening = (_error: MqError): void => {}

  constructor(settings: Settings, events: LinkEvents) {
    this.#settings = settings
    this.#events = events
    const forPublishing = Math.max(1, Math.floor(settings.poolSize / 3))
    this.publishing = createDatabase(settings, { size: forPublishing, isConsuming: false })
    this.consuming = createDatabase(settings, { size: settings.poolSize - forPublishing, isConsuming: true })
  }

  get isUp(): boolean {
    return this.#connection !== undefined
  }

  /** A closed link never comes up again, so there is nothing left to wait for. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Rejects with the errors of `Adapter.connect`, and leaves nothing open then. */
  async open(): Promise<void> {
    const { connectTimeoutMs, address } = this.#settings
    const closing = new Promise<never>((_, reject) => {
      this.#failOpening = reject
    })
    closing.catch(() => {})
    let isLate = false
    const opening = this.#connect(() => isLate)
    const late = (): MqError =>
      new MqError(
        'MQ_CONNECT_TIMEOUT',
        `PostgreSQL at ${whereOf(address)} did not answer within ${connectTimeoutMs} ms`,
      )
    try {
      await withTimeout(Promise.race([opening, closing]), connectTimeoutMs, late)
    } catch (error) {
      isLate = true
      opening.catch(() => {})
      throw this.#isClosed ? closedError() : this.#named(error)
    }
  }

  /** Runs a statement on the connection that listens. Rejects with a `StatementError`. */
  async query(text: string, values?: readonly unknown[]): Promise<readonly Row[]> {
    if (this.#connection === undefined) throw new StatementError('unsent', 'Not connected', {})
    return await this.#connection.query(text, values)
  }

  /** Resolves once the link is up or closed, or after the time given. */
  async whenUp(timeoutMs: number): Promise<void> {
    if (!this.isUp && !this.#isClosed) await this.#waiters.wait(timeoutMs)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#retry)
    this.#connection?.close()
    this.#connection = undefined
    this.publishing.close()
    this.consuming.close()
    this.#failOpening(closedError())
    this.#waiters.wake()
  }

  async #connect(isLate: () => boolean): Promise<void> {
    const connection = await this.#newConnection()
    if (isLate() || this.#isClosed) return connection.close()
    try {
      await this.#events.prepare(connection)
    } catch (error) {
      connection.close()
      throw error
    }
    if (isLate() || this.#isClosed) return connection.close()
    if (!connection.isOpen) throw new StatementError('unsent', 'The connection was closed', {})
    this.#connection = connection
    connection.onEnd((error) => this.#onEnd(connection, error))
    this.#pauses.reset()
    this.#reported = undefined
    this.#waiters.wake()
    this.#events.onUp?.()
  }

  async #newConnection(): Promise<Connection> {
    const { pool } = this.#settings
    if (pool === undefined) return await openConnection(this.#settings, { isConsuming: true })
    return wrapPooled(await pool.connect(), this.#settings)
  }

  #onEnd(connection: Connection, cause: Error): void {
    if (this.#connection !== connection) return
    this.#connection = undefined
    if (this.#isClosed) return
    // Other connections often end for the same reason, and not all of them notice.
    this.publishing.renew()
    this.consuming.renew()
    const text = `Lost the connection to PostgreSQL at ${whereOf(this.#settings.address)}: ${cause.message}`
    this.#events.onDown?.(new MqError('MQ_CONNECTION_LOST', text, { cause }))
    this.#reconnectLater()
  }

  #reconnectLater(): void {
    if (this.#isClosed) return
    this.#retry = setTimeout(() => {
      void this.open().catch((error) => {
        if (this.#isClosed) return
        this.#reportOnce(error)
        this.#reconnectLater()
      })
    }, this.#pauses.next())
  }

  /** Reports what does not end by itself, once for each time that the connection is lost. */
  #reportOnce(error: unknown): void {
    if (!(error instanceof MqError) || error.code === this.#reported) return
    if (error.code === 'MQ_CONNECT_FAILED' || error.code === 'MQ_CONNECT_TIMEOUT') return
    this.#reported = error.code
    this.#events.onError?.(error)
  }

  #named(error: unknown): MqError {
    return connectError(error, whereOf(this.#settings.address))
  }
}

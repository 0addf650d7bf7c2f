import { Fifo, withTimeout } from '@mq/core/adapter'
import type { PostgresPoolClient } from '../options/pool.js'
import type { Settings } from '../options.js'
import { type Connection, openConnection, type Row, wrapPooled } from './connection.js'
import { StatementError, statementError } from './errors.js'

/** Runs statements on a few connections. */
export interface Database {
  /**
   * Runs a statement on a connection that is free, or opens one. Never repeats it. Rejects with a `StatementError` in time, which is
   * `unsent` if no connection was free in time.
   */
  query(text: string, values?: readonly unknown[], timeoutMs?: number): Promise<readonly Row[]>
  /** Ends connections that are not at work, and lets the others end with their statements. New ones are opened as they are needed. */
  renew(): void
  /** Ends all connections at once. */
  close(): void
}

export interface DatabaseOptions {
  readonly size: number
  /** Its statements may write even if new transactions are read-only by default, as they free space. */
  readonly isConsuming: boolean
}

interface Waiting {
  readonly give: (connection: Connection) => void
  readonly fail: (error: unknown) => void
  isOver: boolean
}

/** How long a connection may be idle. */
const idleMs = 30_000

export const createDatabase = (settings: Settings, options: DatabaseOptions): Database =>
  settings.pool === undefined ? new OwnDatabase(settings, options) : pooledDatabase(settings)

class OwnDatabase implements Database {
  readonly #settings: Settings
  readonly #options: DatabaseOptions
  readonly #all = new Set<Connection>()
  readonly #waiting = new Fifo<Waiting>()
  #idle: Connection[] = []
  #opening = 0
  #isClosed = false
  #old = new WeakSet<Connection>()
  #idleTimer: NodeJS.Timeout | undefined

  constructor(settings: Settings, options: DatabaseOptions) {
    this.#settings = settings
    this.#options = options
  }

  async query(text: string, values?: readonly unknown[], timeoutMs?: number): Promise<readonly Row[]> {
    const connection = await this.#take()
    try {
      return await connection.query(text, values, timeoutMs)
    } finally {
      this.#giveBack(connection)
    }
  }

  renew(): void {
    for (const connection of this.#all) this.#old.add(connection)
    for (const connection of this.#idle) this.#end(connection)
    this.#idle = []
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#idleTimer)
    for (const connection of this.#all) connection.close()
    this.#all.clear()
    this.#idle = []
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next.fail(closed())
  }

  async #take(): Promise<Connection> {
    if (this.#isClosed) throw closed()
    const idle = this.#idle.pop()
    if (idle?.isOpen) return idle
    if (idle !== undefined) this.#all.delete(idle)
    // Others may be ahead, and a connection may have to be opened.
    const waitMs = this.#settings.connectTimeoutMs
    return await new Promise<Connection>((resolve, reject) => {
      const timer = setTimeout(() => waiting.fail(busy(waitMs)), waitMs)
      const waiting: Waiting = {
        isOver: false,
        give(connection) {
          this.isOver = true
          clearTimeout(timer)
          resolve(connection)
        },
        fail(error) {
          if (this.isOver) return
          this.isOver = true
          clearTimeout(timer)
          reject(statementError(error, false))
        },
      }
      this.#waiting.push(waiting)
      this.#openIfNeeded()
    })
  }

  #openIfNeeded(): void {
    if (this.#waiting.length <= this.#opening || this.#all.size + this.#opening >= this.#options.size) return
    this.#opening += 1
    openConnection(this.#settings, this.#options).then(
      (connection) => {
        this.#opening -= 1
        if (this.#isClosed) return connection.close()
        this.#all.add(connection)
        connection.onEnd(() => {
          this.#all.delete(connection)
          this.#idle = this.#idle.filter((one) => one !== connection)
        })
        this.#giveBack(connection)
      },
      (error) => {
        this.#opening -= 1
        this.#next()?.fail(error)
        if (!this.#isClosed && this.#waiting.length > 0) this.#openIfNeeded()
      },
    )
  }

  #giveBack(connection: Connection): void {
    if (!connection.isOpen || this.#isClosed || this.#old.has(connection)) this.#end(connection)
    else {
      const next = this.#next()
      if (next !== undefined) {
        next.give(connection)
        return
      }
      this.#idle.push(connection)
      this.#idleTimer ??= setTimeout(() => this.#endIdle(), idleMs).unref()
    }
    if (!this.#isClosed) this.#openIfNeeded()
  }

  /** Returns the next caller that still waits. */
  #next(): Waiting | undefined {
    let next = this.#waiting.shift()
    while (next?.isOver) next = this.#waiting.shift()
    return next
  }

  #endIdle(): void {
    this.#idleTimer = undefined
    // One stays, so that the next statement does not wait for a connection.
    for (const connection of this.#idle.splice(1)) this.#end(connection)
  }

  #end(connection: Connection): void {
    this.#all.delete(connection)
    connection.close()
  }
}

function pooledDatabase(settings: Settings): Database {
  const { connectTimeoutMs, pool } = settings
  const known = new WeakMap<PostgresPoolClient, Connection>()
  let isClosed = false
  return {
    async query(text, values, timeoutMs) {
      if (isClosed || pool === undefined) throw closed()
      const taking = pool.connect()
      const client = await withTimeout(taking, connectTimeoutMs, () => busy(connectTimeoutMs)).catch((error) => {
        // A connection that comes too late goes back.
        taking.then((late) => late.release()).catch(() => {})
        throw statementError(error, false)
      })
      // Its listeners stay with it, because the pool lends it again.
      const connection = known.get(client) ?? wrapPooled(client, settings)
      known.set(client, connection)
      try {
        return await connection.query(text, values, timeoutMs)
      } finally {
        if (connection.isOpen) client.release()
      }
    },
    renew() {},
    close() {
      isClosed = true
    },
  }
}

const closed = (): StatementError => new StatementError('unsent', 'The adapter was disconnected', {})

const busy = (timeoutMs: number): StatementError =>
  new StatementError('unsent', `No connection was free within ${timeoutMs} ms`, { code: 'ETIMEDOUT' })

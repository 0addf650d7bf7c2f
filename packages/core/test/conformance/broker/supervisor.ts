import { setTimeout as sleep } from 'node:timers/promises'
import { withTimeout } from '../../../src/adapter.js'
import { isMqError, MqError } from '../../../src/index.js'
import { type Connection, type ConnectionListener, type OpenedConnection, openConnection } from './connection.js'
import type { Faulty } from './mutation.js'
import type { AdapterOptions } from './options.js'
import type { AnswerTo, Push, RequestOf, RequestType } from './wire.js'

export interface SupervisorListener {
  /** Called with each new connection, the first or a later one. */
  up(opened: OpenedConnection): void
  down(error: MqError): void
  push(push: Push, connection: Connection): void
}

interface Waiter {
  readonly resolve: (connection: Connection) => void
  readonly reject: (error: MqError) => void
}

const firstPauseMs = 10
const longestPauseMs = 100
const goodbyeMs = 100

/** Keeps one connection. After the first success it reconnects after every loss, until it is closed. */
export class Supervisor {
  readonly #options: AdapterOptions
  readonly #listener: SupervisorListener
  readonly #faulty: Faulty
  readonly #closing = new AbortController()
  readonly #waiters = new Set<Waiter>()
  #state: 'new' | 'open' | 'reconnecting' | 'closed' = 'new'
  #connection: Connection | undefined

  constructor(options: AdapterOptions, listener: SupervisorListener) {
    this.#options = options
    this.#listener = listener
    this.#faulty = options.faulty
  }

  get state() {
    return this.#state
  }

  /** Throws `MQ_NOT_CONNECTED` before the first connection, and `MQ_CLOSED` after the last. */
  requireOpen(): void {
    if (this.#state === 'new') throw new MqError('MQ_NOT_CONNECTED', 'The adapter is not connected')
    if (this.#state === 'closed') throw new MqError('MQ_CLOSED', 'The adapter was disconnected')
  }

  async connect(): Promise<void> {
    if (this.#state === 'closed') this.requireOpen()
    if (this.#state !== 'new') return
    try {
      this.#take(await this.#open())
    } catch (error) {
      if (this.#faulty('wrongPasswordHangs') && isMqError(error, 'MQ_AUTH_FAILED')) await new Promise(() => {})
      if (!this.#faulty('connectsToNothing')) throw error
      this.#lost(error as MqError)
    }
  }

  /** Resolves with the connection as soon as there is one. Rejects with `MQ_TIMEOUT` or `MQ_CLOSED`. */
  async connected(timeoutMs: number): Promise<Connection> {
    this.requireOpen()
    if (this.#connection !== undefined) return this.#connection
    let waiter: Waiter | undefined
    const connection = new Promise<Connection>((resolve, reject) => {
      waiter = { resolve, reject }
      this.#waiters.add(waiter)
    })
    const late = (): MqError => new MqError('MQ_TIMEOUT', `No connection within ${timeoutMs} ms`)
    try {
      return await withTimeout(connection, timeoutMs, late)
    } finally {
      if (waiter !== undefined) this.#waiters.delete(waiter)
    }
  }

  /**
   * Sends a request. With `again`, it is repeated on the next connection if its connection is lost, while there is
   * time.
   */
  async ask<Type extends RequestType>(
    request: RequestOf<Type>,
    { again }: { readonly again: boolean },
  ): Promise<AnswerTo<Type>> {
    const endsAt = performance.now() + this.#options.operationTimeoutMs
    const late = (): MqError => new MqError('MQ_TIMEOUT', `No answer to ${request.type} in time`)
    for (;;) {
      const connection = await this.connected(endsAt - performance.now())
      try {
        return await withTimeout(connection.ask<Type>(request), endsAt - performance.now(), late)
      } catch (error) {
        if (!again || !isMqError(error, 'MQ_CONNECTION_LOST')) throw error
      }
    }
  }

  async close(): Promise<void> {
    const connection = this.#connection
    const wasDown = this.#state === 'reconnecting'
    this.abandon()
    if (wasDown && this.#faulty('disconnectHangsWhenDown')) await new Promise(() => {})
    if (wasDown && this.#faulty('disconnectOverrunsWhenDown')) await sleep(3_000)
    if (connection === undefined || this.#faulty('disconnectLeavesConnection')) return
    const late = (): MqError => new MqError('MQ_TIMEOUT', 'The broker did not say goodbye')
    await withTimeout(connection.ask<'bye'>({ type: 'bye' }), goodbyeMs, late).catch(() => {})
    connection.close()
  }

  /** Stops everything, and leaves the connection itself as it is. */
  abandon(): Connection | undefined {
    const connection = this.#connection
    this.#connection = undefined
    this.#state = 'closed'
    this.#closing.abort()
    for (const { reject } of this.#waiters) reject(new MqError('MQ_CLOSED', 'The adapter was disconnected'))
    return connection
  }

  async #open(): Promise<OpenedConnection> {
    const listener: ConnectionListener = {
      push: (push, connection) => this.#listener.push(push, connection),
      lost: (error, connection) => {
        if (connection === this.#connection) this.#lost(error)
      },
    }
    const opened = await openConnection(this.#options, listener, this.#closing.signal)
    if (!this.#closing.signal.aborted) return opened
    opened.connection.close()
    throw new MqError('MQ_CLOSED', 'The adapter was disconnected')
  }

  #take(opened: OpenedConnection): void {
    this.#connection = opened.connection
    this.#state = 'open'
    this.#listener.up(opened)
    for (const { resolve } of this.#waiters) resolve(opened.connection)
  }

  #lost(error: MqError): void {
    this.#connection = undefined
    this.#state = 'reconnecting'
    this.#listener.down(error)
    if (!this.#faulty('noReconnect')) void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    for (let pauseMs = firstPauseMs; this.#state === 'reconnecting'; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      await this.#pause(pauseMs)
      if (this.#state !== 'reconnecting') return
      // The next attempt may succeed, because the first one did with the same options.
      const opened = await this.#open().catch(() => undefined)
      if (opened !== undefined) this.#take(opened)
      if (this.#faulty('reconnectLeaksConnections')) await this.#open().catch(() => {})
    }
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#closing
    await sleep(ms, undefined, { signal }).catch(() => {})
  }
}

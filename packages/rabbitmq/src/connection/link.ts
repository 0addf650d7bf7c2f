import { backoff, closedError, MqError } from '@mq/core/adapter'
import type { ChannelModel } from 'amqplib'
import type { Settings } from '../options.js'
import { faultOf, isBlocked, setBlocked, setFault } from './answers.js'
import { closeConnection, destroy } from './close.js'
import { coalesceWrites } from './coalesce.js'
import { textOf } from './errors.js'
import { openConnection, type Purpose } from './open-connection.js'
import { type StallWatch, watchStalls } from './stalls.js'
import { toleratesHeaders } from './unreadable.js'

// See docs/decisions/0032-rabbitmq-connections.md.

export interface LinkListener {
  /** Called with each new connection, before anything is declared or opened on it. */
  readonly onUp: (connection: ChannelModel) => void
  readonly onDown: (error: MqError) => void
  readonly onRetryFailed: (error: MqError) => void
  /** Called with the reason if the broker blocks publishing, and with undefined once it does so no longer. */
  readonly onBlocked: (reason: string | undefined) => void
}

/** Keeps one connection, and reconnects until it is closed. */
export class Link {
  readonly purpose: Purpose
  readonly #settings: Settings
  readonly #listener: LinkListener
  readonly #pauses = backoff({ minMs: 100, maxMs: 5_000, jitter: true })
  readonly #waiters = new Set<{ resolve: (connection: ChannelModel) => void; reject: (error: MqError) => void }>()
  #connection: ChannelModel | undefined
  #phase: 'idle' | 'open' | 'closed' = 'idle'
  #opening: Promise<void> | undefined
  /** Aborts the attempt to connect that is under way. */
  #attempt: AbortController | undefined
  #retryTimer: NodeJS.Timeout | undefined
  #stalls: StallWatch | undefined
  #lostAfterStallMs: number | undefined

  constructor(settings: Settings, purpose: Purpose, listener: LinkListener) {
    this.#settings = settings
    this.purpose = purpose
    this.#listener = listener
  }

  get connection(): ChannelModel | undefined {
    return this.#connection
  }

  /** True from the first connection until `close`, also while the connection is lost. */
  get isOpen(): boolean {
    return this.#phase === 'open'
  }

  /** How long the event loop stood still before the last connection was lost, if that was long enough to be the reason. */
  get lostAfterStallMs(): number | undefined {
    return this.#lostAfterStallMs
  }

  /** Opens the first connection. Rejects as `openConnection` does; then it may be called again. */
  async open(): Promise<void> {
    if (this.#phase === 'closed') throw closedError()
    if (this.#phase === 'open') return
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined
    })
    await this.#opening
  }

  /**
   * Resolves with the connection as soon as there is one, and opens the first if need be. Rejects with `MQ_TIMEOUT`, or for the
   * first connection as `openConnection` does.
   */
  async ready(timeoutMs: number): Promise<ChannelModel> {
    if (this.#phase === 'idle') await this.open()
    if (this.#phase === 'closed') throw closedError()
    return this.#connection ?? this.#nextConnection(timeoutMs)
  }

  async close(timeoutMs: number): Promise<void> {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    clearTimeout(this.#retryTimer)
    this.#stalls?.end()
    this.#attempt?.abort()
    for (const { reject } of this.#waiters) reject(closedError())
    const last = this.#connection
    this.#connection = undefined
    if (last !== undefined) await closeConnection(last, timeoutMs)
  }

  async #connect(): Promise<void> {
    this.#attempt = new AbortController()
    const opened = await openConnection(this.#settings, { purpose: this.purpose, signal: this.#attempt.signal })
      .finally(() => {
        // From here on the signal would end an open connection.
        this.#attempt = undefined
      })
      .catch((error: MqError) => {
        throw this.#phase === 'closed' ? closedError() : error
      })
    if (this.#phase === 'closed') {
      destroy(opened)
      throw closedError()
    }
    this.#adopt(opened)
  }

  #adopt(opened: ChannelModel): void {
    this.#connection = opened
    this.#phase = 'open'
    this.#pauses.reset()
    this.#stalls = watchStalls()
    coalesceWrites(opened)
    toleratesHeaders(opened)
    opened.on('error', (error: unknown) => setFault(opened, error))
    opened.on('close', (error: unknown) => this.#onClose(opened, error ?? faultOf(opened)))
    opened.on('blocked', (reason: unknown) => {
      setBlocked(opened, true)
      this.#listener.onBlocked(String(reason))
    })
    opened.on('unblocked', () => {
      setBlocked(opened, false)
      this.#listener.onBlocked(undefined)
    })
    this.#listener.onUp(opened)
    for (const { resolve } of this.#waiters) resolve(opened)
    this.#waiters.clear()
  }

  #onClose(lost: ChannelModel, cause: unknown): void {
    if (this.#connection !== lost) return
    destroy(lost)
    this.#connection = undefined
    if (this.#phase === 'closed') return
    this.#noteStall()
    // The next connection is not blocked until it publishes.
    if (isBlocked(lost)) this.#listener.onBlocked(undefined)
    const why = cause === undefined ? '' : `: ${textOf(cause)}`
    const text = `RabbitMQ's ${this.purpose} connection was lost${why}`
    this.#listener.onDown(new MqError('MQ_CONNECTION_LOST', text, { cause }))
    this.#reconnect()
  }

  /** The peer gives a connection up after two heartbeats without a sign of life, and this is seen a little later. */
  #noteStall(): void {
    const heartbeatMs = this.#settings.heartbeatSeconds * 1_000
    const stalledMs = this.#stalls?.longestMs(2 * heartbeatMs) ?? 0
    this.#stalls?.end()
    this.#lostAfterStallMs = stalledMs >= heartbeatMs ? stalledMs : undefined
  }

  #reconnect(): void {
    this.#retryTimer = setTimeout(() => {
      this.#connect().catch((error: MqError) => {
        if (this.#phase === 'closed') return
        this.#listener.onRetryFailed(error)
        this.#reconnect()
      })
    }, this.#pauses.next())
  }

  #nextConnection(timeoutMs: number): Promise<ChannelModel> {
    return new Promise((resolve, reject) => {
      const waiter = {
        resolve: (opened: ChannelModel) => {
          clearTimeout(timer)
          resolve(opened)
        },
        reject: (error: MqError) => {
          clearTimeout(timer)
          this.#waiters.delete(waiter)
          reject(error)
        },
      }
      const late = new MqError('MQ_TIMEOUT', `There was no ${this.purpose} connection to RabbitMQ for ${timeoutMs} ms`)
      const timer = setTimeout(() => waiter.reject(late), timeoutMs)
      this.#waiters.add(waiter)
    })
  }
}

import { MqError } from '@mq/core/adapter'
import type { ChannelModel } from 'amqplib'
import type { Settings } from '../options.js'
import { coalesceWrites } from './coalesce.js'
import { closeConnection, destroy, isBlocked, openConnection, type Purpose, setBlocked } from './connection.js'
import { textOf } from './errors.js'

export interface LinkListener {
  /** A connection stands; nothing is declared on it and no channel open. */
  readonly up: (connection: ChannelModel) => void
  readonly down: (error: MqError) => void
  readonly retryFailed: (error: MqError) => void
  readonly blocked: (reason: string | undefined) => void
}

const firstRetryMs = 100
const longestRetryMs = 5_000

/** One connection that comes back by itself, for as long as it is not closed. */
export function createLink(settings: Settings, purpose: Purpose, listener: LinkListener) {
  let connection: ChannelModel | undefined
  let state: 'idle' | 'open' | 'closed' = 'idle'
  let opening: Promise<void> | undefined
  let failedTries = 0
  let timer: NodeJS.Timeout | undefined
  let fault: unknown
  let attempt: AbortController | undefined
  const waiting = new Set<{ resolve: (connection: ChannelModel) => void; reject: (error: MqError) => void }>()

  const closedError = (): MqError => new MqError('MQ_CLOSED', 'The adapter was disconnected')

  async function connectOnce(): Promise<void> {
    attempt = new AbortController()
    const opened = await openConnection(settings, { purpose, signal: attempt.signal })
      .finally(() => {
        // From here on the signal would end a connection that stands.
        attempt = undefined
      })
      .catch((error: MqError) => {
        throw state === 'closed' ? closedError() : error
      })
    if (state === 'closed') {
      destroy(opened)
      throw closedError()
    }
    adopt(opened)
  }

  function adopt(opened: ChannelModel): void {
    connection = opened
    coalesceWrites(opened)
    state = 'open'
    failedTries = 0
    fault = undefined
    opened.on('error', (error: unknown) => {
      fault = error
    })
    opened.on('close', (error: unknown) => lose(opened, error ?? fault))
    opened.on('blocked', (reason: unknown) => {
      setBlocked(opened, true)
      listener.blocked(String(reason))
    })
    opened.on('unblocked', () => {
      setBlocked(opened, false)
      listener.blocked(undefined)
    })
    listener.up(opened)
    for (const { resolve } of waiting) resolve(opened)
    waiting.clear()
  }

  function lose(lost: ChannelModel, cause: unknown): void {
    if (connection !== lost) return
    destroy(lost)
    connection = undefined
    if (state === 'closed') return
    // Its successor is not blocked until it publishes.
    if (isBlocked(lost)) listener.blocked(undefined)
    const why = cause === undefined ? '' : `: ${textOf(cause)}`
    listener.down(new MqError('MQ_CONNECTION_LOST', `RabbitMQ's ${purpose} connection was lost${why}`, { cause }))
    retryLater()
  }

  function retryLater(): void {
    const delayMs = Math.min(longestRetryMs, firstRetryMs * 2 ** failedTries) * (0.5 + Math.random() / 2)
    failedTries += 1
    timer = setTimeout(() => {
      connectOnce().catch((error: MqError) => {
        if (state === 'closed') return
        listener.retryFailed(error)
        retryLater()
      })
    }, delayMs)
  }

  async function open(): Promise<void> {
    if (state === 'closed') throw closedError()
    if (state === 'open') return
    opening ??= connectOnce().finally(() => {
      opening = undefined
    })
    await opening
  }

  return {
    purpose,
    get connection(): ChannelModel | undefined {
      return connection
    },
    get isOpen(): boolean {
      return state === 'open'
    },
    /** The first connection. Rejects as `openConnection`; after that it may be called again. */
    open,
    /** The connection as soon as one stands, opened if need be. Rejects with `MQ_TIMEOUT`, or as `openConnection` for the first. */
    async up(timeoutMs: number): Promise<ChannelModel> {
      if (state === 'idle') await open()
      if (state === 'closed') throw closedError()
      if (connection !== undefined) return connection
      return new Promise((resolve, reject) => {
        const waiter = {
          resolve: (opened: ChannelModel) => {
            clearTimeout(deadline)
            resolve(opened)
          },
          reject: (error: MqError) => {
            clearTimeout(deadline)
            waiting.delete(waiter)
            reject(error)
          },
        }
        const late = new MqError('MQ_TIMEOUT', `There was no ${purpose} connection to RabbitMQ for ${timeoutMs} ms`)
        const deadline = setTimeout(() => waiter.reject(late), timeoutMs)
        waiting.add(waiter)
      })
    },
    async close(timeoutMs: number): Promise<void> {
      if (state === 'closed') return
      state = 'closed'
      clearTimeout(timer)
      attempt?.abort()
      for (const { reject } of waiting) reject(closedError())
      const last = connection
      connection = undefined
      if (last !== undefined) await closeConnection(last, timeoutMs)
    },
  }
}

export type Link = ReturnType<typeof createLink>

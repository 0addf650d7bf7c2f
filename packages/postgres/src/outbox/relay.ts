import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log, Queue } from '@mq/core'
import { integerOption, isMqError, type MqError, requireKnownOptions } from '@mq/core/adapter'
import { operationError } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import { settledWithin } from '../connection/waiters.js'
import type { Settings } from '../options.js'
import { createRows, type OutboxRow, type Settled } from './rows.js'
import { sendRows } from './send-rows.js'

/** The options of a relay. */
export interface RelayOptions {
  /** How many messages it sends at a time. From 1 to 10,000. Default: 1,000. */
  readonly batchSize?: number | undefined
  /** How long one try to send them may take. Default: 10 s. */
  readonly publishTimeoutMs?: number | undefined
}

/** Sends the messages of an outbox to a queue, until it is stopped. */
export interface Relay extends AsyncDisposable {
  /** `sending` if it is its turn, `waiting` while another relay sends, `failing` while the database or the broker takes nothing. */
  readonly status: 'sending' | 'waiting' | 'failing' | 'stopped'
  /** The latest error, even if the trouble is over. */
  readonly lastError: MqError | undefined
  /** Waits for the messages that are being sent, for at most `timeoutMs`. Always resolves. Default: 30 s. */
  stop(options?: { readonly timeoutMs?: number | undefined }): Promise<void>
}

export interface RelayParts {
  readonly options: RelayOptions
  readonly settings: Settings
  readonly link: Link
  readonly log: Log
  /** Adds a listener for messages that were committed, and returns a function that removes it. */
  readonly onWake: (listener: () => void) => () => void
}

/** How long a relay that no longer says that it is there keeps its turn. */
const leaseMs = 4_000
const renewMs = 1_000
/** How often a relay asks whether it is its turn. */
const turnMs = 500
const minPauseMs = 50
const maxPauseMs = 1_000
const defaultStopMs = 30_000

/** Starts a relay. Throws a `TypeError` or `MQ_INVALID_OPTION`. */
export function startRelay(queue: Queue, { options, settings, link, log, onWake }: RelayParts): Relay {
  requireKnownOptions(options, ['batchSize', 'publishTimeoutMs'], 'relay()')
  const batchSize = integerOption(options, 'batchSize', { fallback: 1_000, min: 1, max: 10_000 })
  const timeoutMs = integerOption(options, 'publishTimeoutMs', { fallback: 10_000, min: 100, max: 3_600_000 })
  const rows = createRows(link.consuming, settings, { holder: randomUUID(), leaseMs, batchSize })
  const stopping = new AbortController()
  /** Ends the tries to send a batch. */
  let sending = new AbortController()
  let status: Relay['status'] = 'waiting'
  let lastError: MqError | undefined
  let isReported = false
  let isWoken = false
  let endRest = (): void => {}
  /** Whether a message ends the rest. */
  let wakesRest = false

  const unlisten = onWake(() => {
    isWoken = true
    if (wakesRest) endRest()
  })

  /** Waits for the time given, for a message or for the end. */
  async function rest(ms: number, wakes: boolean): Promise<void> {
    if (stopping.signal.aborted || (wakes && isWoken)) return
    const ending = new AbortController()
    endRest = () => ending.abort()
    wakesRest = wakes
    await sleep(ms, undefined, { signal: ending.signal }).catch(() => {})
    endRest = () => {}
  }

  function note(error: MqError): void {
    lastError = error
    status = 'failing'
    if (isReported) return
    isReported = true
    log.warn('The relay of the outbox sends nothing for now', { code: error.code, error: error.message })
  }

  function noteWell(now: 'sending' | 'waiting'): void {
    status = now
    isReported = false
  }

  /** Sends a batch while the turn is kept. Resolves with what became of it; the rest is still in the table. */
  async function send(batch: readonly OutboxRow[]): Promise<Settled> {
    sending = new AbortController()
    const { signal } = sending
    const keeping = setInterval(() => {
      void rows.keepTurn().then(
        (isMine) => isMine || sending.abort(),
        () => {},
      )
    }, renewMs)
    try {
      return await sendRows(queue, batch, { timeoutMs, signal, onFailed: note, onSent: () => noteWell('sending') })
    } finally {
      clearInterval(keeping)
    }
  }

  async function run(): Promise<void> {
    let settled: Settled = { sent: [], dead: [] }
    let pauseMs = minPauseMs
    while (!stopping.signal.aborted) {
      try {
        isWoken = false
        const { isMine, batch } = await rows.next(settled)
        settled = { sent: [], dead: [] }
        pauseMs = minPauseMs
        if (!isReported) noteWell(isMine ? 'sending' : 'waiting')
        if (!isMine) await rest(turnMs, false)
        else if (batch.length === 0) await rest(settings.pollMs, true)
        else settled = await send(batch)
      } catch (error) {
        note(isMqError(error) ? error : operationError('Reading the outbox', error))
        await rest(pauseMs, false)
        pauseMs = Math.min(maxPauseMs, 2 * pauseMs)
      }
    }
    // Without this they would be sent again, with the same ids.
    await rows.leave(settled).catch((error) => note(operationError('Leaving the outbox', error)))
  }

  const ended = run()
  let stopped: Promise<void> | undefined

  async function stop(limitMs: number): Promise<void> {
    stopping.abort()
    sending.abort()
    endRest()
    await settledWithin(ended, limitMs)
    unlisten()
    status = 'stopped'
  }

  const relay: Relay = {
    get status() {
      return status
    },
    get lastError() {
      return lastError
    },
    async stop(given = {}) {
      stopped ??= stop(given.timeoutMs ?? defaultStopMs)
      await stopped
    },
    [Symbol.asyncDispose]: () => relay.stop(),
  }
  return relay
}

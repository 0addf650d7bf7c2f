import type { Adapter, PublishCall, StoreOutcome } from '../contract/adapter.js'
import { requireDuration } from '../contract/checks/values.js'
import { isMqError, MqError, type MqErrorCode } from '../contract/errors.js'
import { describeError } from '../contract/failure.js'
import type { PublishOptions, PublishOutcome } from '../contract/publish-options.js'
import { type RunStatement, runnerOf } from '../contract/transaction.js'
import type { Encoded } from './encode.js'
import { onAbort } from './on-abort.js'

export interface SenderOptions {
  readonly adapter: Adapter
  readonly publishTimeoutMs: number
  readonly maxPendingMessages: number
  readonly maxPendingBytes: number
}

/** Creates the function that hands messages to the adapter. It counts those that have no answer yet. */
export function createSend({ adapter, publishTimeoutMs, maxPendingMessages, maxPendingBytes }: SenderOptions) {
  let pendingMessages = 0
  let pendingBytes = 0

  function requireRoom(messages: number, bytes: number): void {
    const limits = `at most ${maxPendingMessages} messages and ${maxPendingBytes} bytes may wait`
    if (bytes > maxPendingBytes) {
      throw new MqError('MQ_BACKPRESSURE', `A message has ${bytes} bytes; ${limits}. Not sent; raise maxPendingBytes`)
    }
    if (pendingMessages + messages <= maxPendingMessages && pendingBytes + bytes <= maxPendingBytes) return
    const waiting = `${pendingMessages} messages with ${pendingBytes} bytes wait for the broker's answer, ${limits}`
    throw new MqError('MQ_BACKPRESSURE', `${waiting}. Not sent; await earlier publishes first`)
  }

  /** Frees the room when the broker has answered. */
  async function sendPortion(topic: string, portion: readonly Encoded[], { call, room }: Portion) {
    const messages = portion.map((one) => one.message)
    pendingMessages += room.messages
    pendingBytes += room.bytes
    try {
      const outcomes = await call.settle(adapter.publish(topic, messages, call))
      return messages.map((message, index) => outcomeOf(message.id, outcomes[index]))
    } catch (error) {
      const failure = asPublishError(error)
      const status = failure.code === 'MQ_PUBLISH_UNKNOWN' ? 'unknown' : 'rejected'
      return messages.map(({ id }): PublishOutcome => ({ status, id, error: failure }))
    } finally {
      call.end()
      pendingMessages -= room.messages
      pendingBytes -= room.bytes
    }
  }

  /** Sends one portion after the other. The room of the largest is kept to the end, so that no other publish takes it in between. */
  async function sendPortions(
    topic: string,
    portions: readonly (readonly Encoded[])[],
    { timeoutMs, signal, transaction }: CallLimits,
  ): Promise<readonly PublishOutcome[]> {
    const messages = Math.max(...portions.map((portion) => portion.length))
    const bytes = Math.max(...portions.map(bytesOf))
    requireRoom(messages, bytes)
    const endsAt = performance.now() + timeoutMs
    let call: OpenPublish | undefined = new OpenPublish({ timeoutMs, signal, transaction })
    pendingMessages += messages
    pendingBytes += bytes
    try {
      const outcomes: PublishOutcome[] = []
      for (const portion of portions) {
        const leftMs = Math.ceil(endsAt - performance.now())
        if (call === undefined && leftMs > 0 && signal?.aborted !== true) {
          call = new OpenPublish({ timeoutMs: leftMs, signal, transaction })
        }
        outcomes.push(
          ...(call === undefined ? portion.map(notSent) : await sendPortion(topic, portion, { call, room: noRoom })),
        )
        call = undefined
      }
      return outcomes
    } finally {
      pendingMessages -= messages
      pendingBytes -= bytes
    }
  }

  /**
   * Sends the messages in one call, or one portion after the other if they are more than may wait. It does not reject if the broker
   * refuses them: that is in the outcomes. Throws `MQ_BACKPRESSURE` before anything is sent.
   */
  return function send(
    topic: string,
    encoded: readonly Encoded[],
    given: Pick<PublishOptions, 'timeoutMs' | 'signal' | 'transaction'>,
  ): Promise<readonly PublishOutcome[]> {
    const timeoutMs =
      given.timeoutMs === undefined ? publishTimeoutMs : requireDuration(given.timeoutMs, 'timeoutMs', 1)
    const transaction = given.transaction && runnerOf(given.transaction)
    const limits = { timeoutMs, signal: given.signal, transaction }
    const bytes = bytesOf(encoded)
    const room = { messages: encoded.length, bytes }
    if (room.messages > 1 && (room.messages > maxPendingMessages || bytes > maxPendingBytes)) {
      const portions = portionsOf(encoded, { maxMessages: maxPendingMessages, maxBytes: maxPendingBytes })
      return sendPortions(topic, portions, limits)
    }
    requireRoom(room.messages, bytes)
    return sendPortion(topic, encoded, { call: new OpenPublish(limits), room })
  }
}

interface CallLimits {
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  readonly transaction: RunStatement | undefined
}

interface Portion {
  readonly call: OpenPublish
  /** The room that this portion takes and frees. */
  readonly room: Room
}

interface Room {
  readonly messages: number
  readonly bytes: number
}

const noRoom: Room = { messages: 0, bytes: 0 }

const bytesOf = (encoded: readonly Encoded[]): number => encoded.reduce((sum, one) => sum + one.bytes, 0)

/** Cuts a list into portions of half the limits, so that other publishes have room beside them. A message is never cut. */
function portionsOf(
  encoded: readonly Encoded[],
  { maxMessages, maxBytes }: { readonly maxMessages: number; readonly maxBytes: number },
): readonly (readonly Encoded[])[] {
  const portions: Encoded[][] = []
  let portion: Encoded[] = []
  let bytes = 0
  for (const one of encoded) {
    const isFull = portion.length >= Math.ceil(maxMessages / 2) || bytes + one.bytes > maxBytes / 2
    if (isFull && portion.length > 0) {
      portions.push(portion)
      portion = []
      bytes = 0
    }
    portion.push(one)
    bytes += one.bytes
  }
  portions.push(portion)
  return portions
}

function notSent({ message }: Encoded): PublishOutcome {
  const text = 'Not sent: the time of the list was over, or its signal had aborted'
  return { status: 'rejected', id: message.id, error: new MqError('MQ_PUBLISH_REJECTED', text) }
}

function outcomeOf(id: string, outcome: StoreOutcome | undefined): PublishOutcome {
  if (outcome?.status === 'stored') return { status: 'stored', id, routed: outcome.routed }
  if (outcome?.status === 'rejected') {
    const error = outcome.error ?? new MqError('MQ_PUBLISH_REJECTED', 'The broker refused the message')
    return { status: 'rejected', id, error }
  }
  const text = 'The broker did not say whether it stored the message'
  const error = outcome?.error === undefined ? new MqError('MQ_PUBLISH_UNKNOWN', text) : unknownBecauseOf(outcome.error)
  return { status: 'unknown', id, error }
}

/** These codes say how a call ended, not whether the broker had stored the message by then. */
const inconclusive: readonly MqErrorCode[] = ['MQ_CONNECTION_LOST', 'MQ_OPERATION_FAILED', 'MQ_STOPPED', 'MQ_TIMEOUT']

/** An adapter that throws instead of returning outcomes says nothing about the message, unless the error is a refusal. */
const asPublishError = (error: unknown): MqError =>
  isMqError(error) && !inconclusive.includes(error.code) ? error : unknownBecauseOf(error)

function unknownBecauseOf(error: unknown): MqError {
  if (isMqError(error, 'MQ_PUBLISH_UNKNOWN')) return error
  const text = `The message may or may not be stored: ${describeError(error).message}`
  return new MqError('MQ_PUBLISH_UNKNOWN', text, { cause: error })
}

/** The longest timer of Node, which fires a longer one at once. */
const maxTimerMs = 2 ** 31 - 1

/** How much later than its time limit an adapter may answer before core no longer waits for it. */
const graceMs = 1_000

/**
 * One call of `Adapter.publish`. `settle` waits for the adapter, but no longer than `timeoutMs` and a second: an adapter that breaks its
 * promise must not make a publish hang. The constructor throws `MQ_PUBLISH_REJECTED` if the caller's signal has already aborted.
 * See docs/decisions/0001-publish-deadline-as-a-number.md.
 */
class OpenPublish implements PublishCall {
  readonly timeoutMs: number
  readonly transaction: RunStatement | undefined
  readonly #callerSignal: AbortSignal | undefined
  #controller: AbortController | undefined
  #signalTimer: NodeJS.Timeout | undefined
  #graceTimer: NodeJS.Timeout | undefined
  #reject: ((error: MqError) => void) | undefined
  #abortReason: unknown
  #unfollow: (() => void) | undefined

  constructor({ timeoutMs, signal, transaction }: CallLimits) {
    if (signal?.aborted === true) {
      throw new MqError('MQ_PUBLISH_REJECTED', 'Not sent: the signal had aborted', { cause: signal.reason })
    }
    this.timeoutMs = timeoutMs
    this.transaction = transaction
    this.#callerSignal = signal
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const made = new AbortController()
      this.#controller = made
      if (this.#abortReason !== undefined) made.abort(this.#abortReason)
      const late = (): void => made.abort(new MqError('MQ_TIMEOUT', `Over ${this.timeoutMs} ms`))
      this.#signalTimer = setTimeout(late, Math.min(this.timeoutMs, maxTimerMs))
    }
    return this.#controller.signal
  }

  settle(outcomes: Promise<readonly StoreOutcome[]>): Promise<readonly StoreOutcome[]> {
    return new Promise((resolve, reject) => {
      this.#reject = reject
      this.#graceTimer = setTimeout(giveUp, Math.min(this.timeoutMs + graceMs, maxTimerMs), this)
      if (this.#callerSignal !== undefined) this.#unfollow = onAbort(this.#callerSignal, this.#onCallerAbort)
      outcomes.then(resolve, reject)
    })
  }

  /** Removes all timers and listeners. */
  end(): void {
    clearTimeout(this.#signalTimer)
    clearTimeout(this.#graceTimer)
    this.#unfollow?.()
  }

  giveUp(): void {
    const text = 'The broker has not answered in time; the message may or may not be stored'
    this.#reject?.(
      new MqError('MQ_PUBLISH_UNKNOWN', text, this.#abortReason === undefined ? {} : { cause: this.#abortReason }),
    )
  }

  readonly #onCallerAbort = (): void => {
    this.#abortReason = this.#callerSignal?.reason
    this.#controller?.abort(this.#abortReason)
    clearTimeout(this.#graceTimer)
    this.#graceTimer = setTimeout(giveUp, graceMs, this)
  }
}

const giveUp = (call: OpenPublish): void => call.giveUp()

import type { PublishCall, StoreOutcome } from '../contract/adapter.js'
import { MqError } from '../contract/errors.js'
import { onAbort } from './on-abort.js'

/** The longest timer of Node, which fires a longer one at once. */
const maxTimerMs = 2 ** 31 - 1

/** How much later than its time limit an adapter may answer before core no longer waits for it. */
const graceMs = 1_000

/**
 * One call of `Adapter.publish`. `settle` waits for the adapter, but no longer than `timeoutMs` and a second: an adapter that breaks its
 * promise must not make a publish hang. The constructor throws `MQ_PUBLISH_REJECTED` if the caller's signal has already aborted.
 * See docs/decisions/0001-publish-deadline-as-a-number.md.
 */
export class OpenPublish implements PublishCall {
  readonly timeoutMs: number
  readonly #callerSignal: AbortSignal | undefined
  #controller: AbortController | undefined
  #signalTimer: NodeJS.Timeout | undefined
  #graceTimer: NodeJS.Timeout | undefined
  #reject: ((error: MqError) => void) | undefined
  #abortReason: unknown
  #unfollow: (() => void) | undefined

  constructor(timeoutMs: number, callerSignal: AbortSignal | undefined) {
    if (callerSignal?.aborted === true) {
      throw new MqError('MQ_PUBLISH_REJECTED', 'Not sent: the signal had aborted', { cause: callerSignal.reason })
    }
    this.timeoutMs = timeoutMs
    this.#callerSignal = callerSignal
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

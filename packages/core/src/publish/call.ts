import type { PublishCall, StoreOutcome } from '../contract/adapter.js'
import { MqError } from '../contract/errors.js'

/** Node fires a longer timer at once. */
const longestTimerMs = 2 ** 31 - 1

/** What an adapter gets on top of its own deadline before its answer is no longer waited for. */
const graceMs = 1_000

/**
 * One call of `Adapter.publish`. `settle` waits for the adapter, but no longer than the time given and a second: an adapter
 * that breaks its promise must not make a publish hang. Throws `MQ_PUBLISH_REJECTED` for a signal that has aborted.
 */
export class OpenPublish implements PublishCall {
  readonly timeoutMs: number
  readonly #callerSignal: AbortSignal | undefined
  #controller: AbortController | undefined
  #signalTimer: NodeJS.Timeout | undefined
  #graceTimer: NodeJS.Timeout | undefined
  #reject: ((error: MqError) => void) | undefined
  #abortReason: unknown

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
      this.#signalTimer = setTimeout(late, Math.min(this.timeoutMs, longestTimerMs))
    }
    return this.#controller.signal
  }

  settle(outcomes: Promise<readonly StoreOutcome[]>): Promise<readonly StoreOutcome[]> {
    return new Promise((resolve, reject) => {
      this.#reject = reject
      this.#graceTimer = setTimeout(giveUp, Math.min(this.timeoutMs + graceMs, longestTimerMs), this)
      this.#callerSignal?.addEventListener('abort', this.#onCallerAbort, { once: true })
      outcomes.then(resolve, reject)
    })
  }

  /** Leaves no timer and no listener behind. */
  end(): void {
    clearTimeout(this.#signalTimer)
    clearTimeout(this.#graceTimer)
    this.#callerSignal?.removeEventListener('abort', this.#onCallerAbort)
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

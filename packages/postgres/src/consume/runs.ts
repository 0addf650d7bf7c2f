import { type Delivery, type Failure, lazyAbort, MqError, type RawMessage } from '@mq/core/adapter'
import { Waiters } from '../connection/waiters.js'

/** A message that a consumer has claimed. */
export interface Claimed {
  readonly message: RawMessage
  readonly decodeError?: MqError
  readonly attempt: number
  readonly failure: Failure | undefined
  /** The id of the message's row. */
  readonly row: string
  /** The id of the group, which no later group has. */
  readonly grp: string
  /** The number of the claim, which no later claim of the message has. */
  readonly claim: number
}

/**
 * One call of `handle`. Its first ending takes it out of `Runs`, and later ones count for nothing. It is the delivery too, so that no
 * second object is made for each message.
 */
export class Run implements Delivery {
  readonly message: RawMessage
  readonly attempt: number
  readonly row: string
  readonly grp: string
  readonly claim: number
  declare readonly failure?: Failure
  declare readonly decodeError?: MqError
  /** Whether the handler has ended and its settlement is on its way to the database. */
  isSettling = false
  readonly #abort = lazyAbort()

  constructor({ message, attempt, failure, decodeError, row, grp, claim }: Claimed) {
    this.message = message
    this.attempt = attempt
    this.row = row
    this.grp = grp
    this.claim = claim
    if (failure !== undefined) this.failure = failure
    if (decodeError !== undefined) this.decodeError = decodeError
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get aborted(): boolean {
    return this.#abort.aborted
  }

  abort(reason: MqError): void {
    this.#abort.abort(reason)
  }
}

/** The calls of `handle` that are not settled yet: at most `concurrency`. */
export class Runs {
  readonly #concurrency: number
  readonly #runs = new Map<string, Run>()
  readonly #waiters = new Waiters()
  readonly #onFree: () => void

  constructor(concurrency: number, onFree: () => void) {
    this.#concurrency = concurrency
    this.#onFree = onFree
  }

  get free(): number {
    return this.#concurrency - this.#runs.size
  }

  get size(): number {
    return this.#runs.size
  }

  get all(): readonly Run[] {
    return [...this.#runs.values()]
  }

  has(run: Run): boolean {
    return this.#runs.get(run.row) === run
  }

  begin(claimed: Claimed): Run {
    const run = new Run(claimed)
    // A claim of our own that was taken for lost brings its message again. The first run no longer counts.
    const before = this.#runs.get(run.row)
    if (before !== undefined) this.lose(before, new MqError('MQ_OWNERSHIP_LOST', 'The message was delivered again'))
    this.#runs.set(run.row, run)
    return run
  }

  end(run: Run): void {
    if (!this.has(run)) return
    this.#runs.delete(run.row)
    this.#waiters.wake()
    this.#onFree()
  }

  /** Ends a run without a settlement, because this consumer no longer owns its message. */
  lose(run: Run, reason: MqError): void {
    if (!this.has(run)) return
    run.abort(reason)
    this.end(run)
  }

  /** Resolves when no run is left, or after the time given. */
  async idle(timeoutMs: number): Promise<void> {
    const endsAt = performance.now() + timeoutMs
    for (let left = timeoutMs; this.#runs.size > 0 && left > 0; left = endsAt - performance.now()) {
      await this.#waiters.wait(Math.min(left, 60_000))
    }
  }
}

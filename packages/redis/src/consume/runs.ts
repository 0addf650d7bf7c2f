import { type Delivery, type Failure, lazyAbort, MqError, type RawMessage } from '@mq/core/adapter'
import { Waiters } from '../connection/waiters.js'
import type { DecodedEntry, Kind, OwnedEntry } from '../wire/entry.js'

/**
 * One call of `handle`. Its first ending takes it out of `Runs`, and later ones count for nothing. It is the delivery too, so that no
 * second object is made for each message.
 */
export class Run implements OwnedEntry, Delivery {
  readonly kind: Kind
  readonly id: string
  readonly entry: DecodedEntry
  readonly lane: string
  readonly deliveries: number
  /** Kind and entry id joined, because an entry id is unique only within its stream. */
  readonly fullId: string
  readonly message: RawMessage
  readonly attempt: number
  declare readonly failure?: Failure
  declare readonly decodeError?: MqError
  claimedAt: number
  /** Whether the handler has ended and its settlement is on its way to the broker. */
  isSettling = false
  /** Whether the broker knows when it began. */
  isRenewed = false
  readonly #abort = lazyAbort()

  constructor({ kind, id, entry, lane, deliveries, claimedAt }: OwnedEntry) {
    this.kind = kind
    this.id = id
    this.entry = entry
    this.lane = lane
    this.deliveries = deliveries
    this.claimedAt = claimedAt
    this.fullId = kind + id
    this.message = entry.message
    this.attempt = entry.attempt + deliveries - 1
    if (entry.failure !== undefined) this.failure = entry.failure
    if (entry.decodeError !== undefined) this.decodeError = entry.decodeError
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

/** Says how many more messages a consumer may take. */
export interface Room {
  readonly free: number
  /** Resolves at the next change, or after the time given. */
  changed(timeoutMs: number): Promise<void>
}

/** The calls of `handle` that are not settled yet: at most `concurrency`. */
export class Runs implements Room {
  readonly #concurrency: number
  readonly #runs = new Map<string, Run>()
  readonly #waiters = new Waiters()

  constructor(concurrency: number) {
    this.#concurrency = concurrency
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

  get fullIds(): readonly string[] {
    return [...this.#runs.keys()]
  }

  has(run: Run): boolean {
    return this.#runs.get(run.fullId) === run
  }

  begin(owned: OwnedEntry): Run {
    const run = new Run(owned)
    // A claim of our own that was taken for lost brings its message again. The first run no longer counts.
    const before = this.#runs.get(run.fullId)
    if (before !== undefined) this.lose(before, new MqError('MQ_OWNERSHIP_LOST', 'The message was delivered again'))
    this.#runs.set(run.fullId, run)
    return run
  }

  end(run: Run): void {
    if (!this.has(run)) return
    this.#runs.delete(run.fullId)
    this.wake()
  }

  /** Ends a run without a settlement, because this consumer no longer owns its message. */
  lose(run: Run, reason: MqError): void {
    if (!this.has(run)) return
    this.end(run)
    run.abort(reason)
  }

  /** Wakes all waiters. */
  wake(): void {
    this.#waiters.wake()
  }

  async changed(timeoutMs: number): Promise<void> {
    await this.#waiters.wait(timeoutMs)
  }

  /** Resolves when no run is left, or after the time given. */
  async idle(timeoutMs: number): Promise<void> {
    const endsAt = performance.now() + timeoutMs
    for (let left = timeoutMs; this.#runs.size > 0 && left > 0; left = endsAt - performance.now()) {
      await this.changed(Math.min(left, 60_000))
    }
  }
}

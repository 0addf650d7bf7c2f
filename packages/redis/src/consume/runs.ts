import { type Delivery, type Failure, lazyAbort, type MqError, type RawMessage } from '@mq/core/adapter'
import type { DecodedEntry } from '../wire/entry.js'
import type { Kind, Owned } from '../wire/reply.js'

/**
 * One call of `handle`. Whatever ends it first takes it out of `Runs`; what comes after that is void. It is the delivery, too:
 * there is one for every message, so it is made without copying.
 */
export class Run implements Owned, Delivery {
  readonly kind: Kind
  readonly id: string
  readonly entry: DecodedEntry
  readonly deliveries: number
  readonly ref: string
  readonly message: RawMessage
  readonly attempt: number
  declare readonly failure?: Failure
  declare readonly decodeError?: MqError
  claimedAt: number
  /** Its handler has ended, and the broker is being told. */
  settling = false
  readonly #abort = lazyAbort()

  constructor({ kind, id, entry, deliveries, claimedAt }: Owned) {
    this.kind = kind
    this.id = id
    this.entry = entry
    this.deliveries = deliveries
    this.claimedAt = claimedAt
    this.ref = kind + id
    this.message = entry.message
    this.attempt = entry.attempt + deliveries - 1
    if (entry.failure !== undefined) this.failure = entry.failure
    if (entry.decodeError !== undefined) this.decodeError = entry.decodeError
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  abort(reason: MqError): void {
    this.#abort.abort(reason)
  }
}

/** The calls of `handle` that are not settled yet: at most `concurrency`. */
export class Runs {
  readonly #concurrency: number
  readonly #runs = new Map<string, Run>()
  readonly #waiting = new Set<() => void>()

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
  get refs(): readonly string[] {
    return [...this.#runs.keys()]
  }

  has(run: Run): boolean {
    return this.#runs.get(run.ref) === run
  }

  begin(owned: Owned): Run {
    const run = new Run(owned)
    this.#runs.set(run.ref, run)
    return run
  }

  find(owned: Owned): Run | undefined {
    return this.#runs.get(owned.kind + owned.id)
  }

  end(run: Run): void {
    if (!this.has(run)) return
    this.#runs.delete(run.ref)
    this.wake()
  }

  /** Ends it without a settlement: it is this consumer's no more. */
  lose(run: Run, reason: MqError): void {
    if (!this.has(run)) return
    this.end(run)
    run.abort(reason)
  }

  /** Makes everybody look again who waits here. */
  wake(): void {
    if (this.#waiting.size === 0) return
    for (const resolve of [...this.#waiting]) resolve()
  }

  /** Resolves at the next change, or at the latest after the time. */
  async changed(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, timeoutMs)
      this.#waiting.add(done)
    })
  }

  /** Resolves when none is left, or after the time. */
  async idle(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    for (let left = timeoutMs; this.#runs.size > 0 && left > 0; left = deadline - performance.now()) {
      await this.changed(Math.min(left, 60_000))
    }
  }
}

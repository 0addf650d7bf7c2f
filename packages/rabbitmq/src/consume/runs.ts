import { type LazyAbort, lazyAbort } from '@mq/core/adapter'
import type { ConsumeMessage } from 'amqplib'
import type { PendingCopy } from '../wire/copy.js'
import type { Decoded } from '../wire/decode.js'

const maxTimerMs = 2 ** 31 - 1

/** The queue that a message came from. */
export interface Origin {
  readonly isForeign: boolean
  readonly queue?: string
}

/** One delivery that is not settled. Whatever ends it first takes it out of `Runs`, and everything after that is ignored. */
export class Run {
  readonly delivered: ConsumeMessage
  readonly decoded: Decoded
  readonly key: string | undefined
  readonly abort: LazyAbort = lazyAbort()
  readonly receivedAt = performance.now()
  /** It came from a queue that other programs own. */
  readonly isForeign: boolean
  /** The queue that it came from, if that is known. */
  readonly queue: string | undefined
  isStarted = false
  /** A settlement was accepted and is being carried out. */
  isSettling = false
  /** Its acknowledgement is under way, and it must not run again. */
  isFinished = false
  copying: PendingCopy | undefined

  constructor(delivered: ConsumeMessage, decoded: Decoded, { isForeign, queue }: Origin) {
    this.delivered = delivered
    this.decoded = decoded
    this.key = decoded.message.key
    this.isForeign = isForeign
    this.queue = queue
  }
}

/** The unsettled deliveries of one channel, in the order in which they came. */
export class Runs {
  readonly #runs = new Set<Run>()
  #onChange: (() => void) | undefined

  get size(): number {
    return this.#runs.size
  }

  /** Returns how many came from a queue. */
  sizeOf(queue: string): number {
    let size = 0
    for (const run of this.#runs) if (run.queue === queue) size += 1
    return size
  }

  /** `Infinity` if there is none. */
  get oldestTag(): number {
    for (const { delivered } of this.#runs) return delivered.fields.deliveryTag
    return Number.POSITIVE_INFINITY
  }

  /** True while a handler runs or a settlement is carried out. */
  get isRunning(): boolean {
    for (const run of this.#runs) if (run.isStarted || run.isSettling) return true
    return false
  }

  get isSettling(): boolean {
    for (const run of this.#runs) if (run.isSettling) return true
    return false
  }

  /** How long the oldest message that has not started has been here. 0 if there is none. */
  get waitedMs(): number {
    for (const run of this.#runs) if (!run.isStarted) return performance.now() - run.receivedAt
    return 0
  }

  /** Returns the messages that have to run again if the channel is lost now. */
  unfinished(): readonly ConsumeMessage[] {
    return [...this.#runs].filter((run) => !run.isFinished).map(({ delivered }) => delivered)
  }

  has(run: Run): boolean {
    return this.#runs.has(run)
  }

  add(run: Run): void {
    this.#runs.add(run)
    this.#onChange?.()
  }

  /** Returns false if it had ended before. */
  delete(run: Run): boolean {
    const had = this.#runs.delete(run)
    this.#onChange?.()
    return had
  }

  /** Returns all runs and ends them. */
  clear(): readonly Run[] {
    const all = [...this.#runs]
    this.#runs.clear()
    for (const run of all) run.copying?.abandon()
    this.#onChange?.()
    return all
  }

  [Symbol.iterator](): Iterator<Run> {
    return this.#runs.values()
  }

  /** Waits until the condition is true, or for the time given. Resolves with whether it is true. One caller at a time may wait. */
  async until(isDone: () => boolean, timeoutMs: number): Promise<boolean> {
    if (isDone()) return true
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#onChange = undefined
        resolve(isDone())
      }
      const timer = setTimeout(end, Math.min(timeoutMs, maxTimerMs))
      this.#onChange = () => {
        if (isDone()) end()
      }
    })
  }
}

import {
  type AdapterEvent,
  type ConsumeOptions,
  type Consumer,
  type Handle,
  type LazyAbort,
  lazyAbort,
  MqError,
  type Settlement,
  type StopOptions,
} from '@mq/core/adapter'
import type { Entry } from './entry.js'
import { type Group, ownCopy, type WaitingEntry } from './group.js'

/** One call of `handle`. Its first end removes it from `#runs`; a later one has no effect. */
interface Run {
  readonly entry: Entry
  readonly abort: LazyAbort
  /** The time of the timetable. */
  readonly startedAt: number
}

export interface ConsumerListener {
  readonly report: (event: AdapterEvent) => void
  readonly settled: (entry: Entry, settlement: Settlement) => void
}

/** A consumer of one group: keeps at most `concurrency` calls of `handle` unsettled. */
export class GroupConsumer implements Consumer {
  readonly group: Group
  readonly ordered: boolean
  readonly #concurrency: number
  readonly #handle: Handle
  readonly #listener: ConsumerListener
  readonly #runs = new Set<Run>()
  #idle: (() => void) | undefined
  #stopped: Promise<void> | undefined

  constructor(group: Group, options: ConsumeOptions, handle: Handle, listener: ConsumerListener) {
    this.group = group
    this.ordered = options.ordered
    this.#concurrency = options.concurrency
    this.#handle = handle
    this.#listener = listener
  }

  get isStopping(): boolean {
    return this.#stopped !== undefined
  }

  /** The entries whose runs have not ended. */
  get running(): readonly Entry[] {
    return [...this.#runs].map(({ entry }) => entry)
  }

  get hasFreeSlot(): boolean {
    return !this.isStopping && this.#runs.size < this.#concurrency
  }

  report(event: AdapterEvent): void {
    this.#listener.report(event)
  }

  /** Lists the runs that have not ended, with the times at which they began. */
  *runs(): Generator<WaitingEntry> {
    for (const { entry, startedAt } of this.#runs) yield { entry, at: startedAt }
  }

  start(entry: Entry, now: number): void {
    const run: Run = { entry, abort: lazyAbort(), startedAt: now }
    this.#runs.add(run)
    const { message, attempt, failure } = entry
    const delivery = {
      message: ownCopy(message),
      attempt,
      ...(failure && { failure }),
      get signal() {
        return run.abort.signal
      },
      get aborted() {
        return run.abort.aborted
      },
    }
    void this.#handle(delivery).then((settlement) => this.#settle(run, settlement))
  }

  /** Ends all runs without settling them. The caller takes over the entries that they held. */
  loseAll(reason: MqError): readonly Entry[] {
    const lost = [...this.#runs]
    this.#runs.clear()
    for (const { entry, abort } of lost) {
      this.group.abandon(entry)
      abort.abort(reason)
    }
    this.#idle?.()
    return lost.map((run) => run.entry)
  }

  stop({ timeoutMs }: StopOptions): Promise<void> {
    this.#stopped ??= this.#stop(timeoutMs)
    return this.#stopped
  }

  async #stop(timeoutMs: number): Promise<void> {
    // `#stopped` closes the intake, and is set only once this function has returned its promise.
    await Promise.resolve()
    if (this.#runs.size > 0) await this.#finished(timeoutMs)
    for (const run of [...this.#runs].reverse()) {
      this.#settle(run, { kind: 'release' })
      run.abort.abort(new MqError('MQ_STOPPED', 'The subscription was stopped before the handler had finished'))
    }
    this.group.detach(this)
  }

  /** Resolves when no run is left, or after the time given. */
  async #finished(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(timeoutMs, 2 ** 31 - 1))
      this.#idle = () => {
        if (this.#runs.size > 0) return
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #settle(run: Run, settlement: Settlement): void {
    if (!this.#runs.delete(run)) return
    this.group.settle(run.entry, settlement)
    this.#listener.settled(run.entry, settlement)
    this.#idle?.()
  }
}

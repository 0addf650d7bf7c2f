import { type MqError, withTimeout } from '@mq/core/adapter'
import { nameOf, type TopicPartition } from '../driver/cluster.js'
import type { Feed } from '../driver/reading/reader.js'
import type { PartitionRead } from '../driver/requests.js'
import type { TopicKind } from '../topology/plans.js'
import type { Progress } from '../wire/progress.js'
import type { CommitGate } from './commits.js'
import { Delays } from './delays.js'
import { decodedOf, type Entry, type LateRuns } from './entry.js'
import { Handlers, type HandlersOptions } from './handlers.js'
import { ReadyQueue } from './ready-queue.js'
import type { Settler } from './settler.js'
import { Tracker, type TrackerOptions } from './tracker.js'

export interface WorkloadOptions extends HandlersOptions, TrackerOptions {
  readonly ordered: boolean
}

export interface WorkloadParts {
  /** The trackers by `nameOf`. */
  readonly trackers: Map<string, Tracker>
  readonly settler: Settler
  readonly commits: CommitGate
}

/** The findings of `removeMessages`. */
export interface Removal {
  readonly done: readonly number[]
  readonly kept: readonly number[]
  readonly moving: readonly Entry[]
}

/** A run that was lost by a standstill of this process may still go on. */
const hasBegun = ({ state, offset, tracker }: Entry): boolean =>
  (state !== 'waiting' && state !== 'ready') || tracker.lateRuns?.byOffset.has(offset) === true

/**
 * The records that a consumer has in memory. It takes them as they are read, and has them handled when they are due. It knows
 * nothing of groups.
 */
export class Workload {
  readonly #options: WorkloadOptions
  readonly #trackers: Map<string, Tracker>
  readonly #unstarted = { bytes: 0 }
  readonly #queue = new ReadyQueue()
  readonly #handlers: Handlers
  readonly #delays: Delays
  readonly #commits: CommitGate

  constructor(options: WorkloadOptions, { trackers, settler, commits }: WorkloadParts) {
    this.#options = options
    this.#trackers = trackers
    this.#commits = commits
    this.#handlers = new Handlers(options, { queue: this.#queue, settler, commits })
    this.#delays = new Delays(options, { queue: this.#queue, handlers: this.#handlers, settler })
  }

  get trackers(): readonly Tracker[] {
    return [...this.#trackers.values()]
  }

  find(at: TopicPartition): Tracker | undefined {
    return this.#trackers.get(nameOf(at))
  }

  add(
    at: TopicPartition & { readonly kind: TopicKind },
    reading: { readonly progress: Progress; readonly feed: Feed; readonly lateRuns?: LateRuns },
  ): void {
    this.#trackers.set(nameOf(at), new Tracker(at, reading, this.#options, this.#unstarted))
    this.#commits.changed()
  }

  /** Takes records of one partition, in order. */
  take(read: PartitionRead): void {
    const tracker = this.find(read)
    if (tracker === undefined || tracker.isClosing) return
    for (const entry of tracker.take(read)) this.#accept(entry)
    this.#commits.changed()
    this.#handlers.startReady()
  }

  #accept(entry: Entry): void {
    const { ordered, topic } = this.#options
    // Other records are decoded only when a handler gets them.
    if (entry.tracker.kind === 'main' && !ordered) {
      this.#queue.enter(entry)
      return
    }
    const { message, dueMs } = decodedOf(entry, topic)
    if (ordered && message.key !== undefined) entry.key = message.key
    this.#delays.hold(entry, dueMs)
  }

  /**
   * Finishes messages that have not begun, so that they never run. `kept` are the offsets of those that run. `moving` are being written to
   * another partition.
   */
  removeMessages(tracker: Tracker, offsets: readonly number[]): Removal {
    const { entries, unread } = tracker.find(offsets)
    const moving = entries.filter(({ state, isForwarded }) => state === 'running' && isForwarded)
    const removed = entries.filter((entry) => !hasBegun(entry))
    const kept = entries.filter((entry) => hasBegun(entry) && !entry.isForwarded)
    tracker.skip(unread)
    for (const entry of removed) {
      tracker.states.discard(entry, 'done')
      this.#queue.leave(entry)
      this.#commits.oneFinished()
    }
    if (tracker.isPaused) tracker.applyPressure()
    this.#commits.changed()
    this.#handlers.startReady()
    const offsetOf = ({ offset }: Entry): number => offset
    return { done: [...removed.map(offsetOf), ...unread], kept: kept.map(offsetOf), moving }
  }

  /** Makes a message ready that waits for its time. `kept` is one that runs or is ready, and `gone` one that is elsewhere. */
  async hurry(entry: Entry): Promise<'done' | 'kept' | 'gone'> {
    if (this.#delays.isHeld(entry)) return (await this.#delays.hurry(entry)) ? 'done' : 'gone'
    if (!entry.isForwarded) return 'kept'
    await this.moved(entry)
    return 'gone'
  }

  /** Resolves when an entry is no longer being written to another partition. */
  moved(entry: Entry): Promise<void> {
    return this.#delays.moved(entry)
  }

  /** Says that everything of a partition before this offset is gone. */
  skipTo(tracker: Tracker, offset: number): void {
    tracker.readTo(offset)
    this.#commits.changed()
  }

  /** Stops reading these partitions, starts no more of their messages, and resolves when their handlers end or the time is over. */
  async finish(trackers: readonly Tracker[], timeoutMs: number): Promise<void> {
    for (const tracker of trackers) this.#discardUnstarted(tracker)
    this.#handlers.startReady()
    const idle = Promise.all(trackers.map(({ states }) => states.untilIdle())).then(() => {})
    await withTimeout(idle, timeoutMs, () => new Error('late')).catch(() => {})
  }

  /** Stops reading these partitions, and aborts their running handlers without settling their messages. */
  abandon(trackers: readonly Tracker[], reason: MqError): void {
    for (const tracker of trackers) {
      this.#discardUnstarted(tracker)
      for (const entry of tracker.open()) {
        const { run } = entry
        this.#handlers.end(entry, 'void')
        run?.abort(reason)
      }
    }
    this.#handlers.startReady()
  }

  remove(trackers: readonly Tracker[]): void {
    for (const tracker of trackers) {
      if (this.find(tracker) === tracker) this.#trackers.delete(nameOf(tracker))
    }
  }

  /** Starts what was held back. */
  startReady(): void {
    this.#handlers.startReady()
  }

  /** Starts nothing more. */
  stop(): void {
    this.#handlers.stop()
  }

  #discardUnstarted(tracker: Tracker): void {
    tracker.close()
    for (const entry of tracker.open()) {
      if (entry.state === 'running') continue
      tracker.states.discard(entry)
      this.#queue.leave(entry)
    }
    this.#queue.remove(tracker)
  }
}

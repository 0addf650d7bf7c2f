import { setTimeout as sleep } from 'node:timers/promises'
import { type MqError, withTimeout } from '@mq/core/adapter'
import { nameOf } from '../driver/cluster.js'
import { asMqError, errorType, isCoordinatorGone, isFenced } from '../driver/errors.js'
import type { PartitionOffset } from '../driver/offsets.js'
import { decodeProgress, encodeProgress, outside } from '../wire/progress.js'
import type { Tracker } from './tracker.js'

/** Limits how much is finished and not committed. */
export interface CommitGate {
  /** True while no further handler may start. */
  readonly isFull: boolean
  /** Calls `then` after the next commit. Only the latest `then` counts. */
  onceNotFull(then: () => void): void
  /** Says that an entry is finished. */
  oneFinished(): void
  /** Says that there may be something to commit soon. */
  changed(): void
}

/** The gate of a consumer that commits nothing. */
export const noCommits: CommitGate = { isFull: false, onceNotFull() {}, oneFinished() {}, changed() {} }

export interface CommitsOptions {
  readonly group: string
  /** The limit of entries that are finished and not committed. */
  readonly maxUncommitted: number
  readonly trackers: ReadonlyMap<string, Tracker>
  readonly member: {
    readonly isIn: boolean
    commit(offsets: readonly PartitionOffset[]): Promise<void>
  }
  readonly report: (error: MqError) => void
}

/** How soon after a change. It takes nothing while nothing changes. */
const delayMs = 20
const retryMs = 20
/** How long `holds` waits. A broker that answers takes some milliseconds. */
const maxHoldsMs = 15_000

/**
 * Commits how far each partition is, with one request at a time, soon after something has changed.
 *
 * See docs/decisions/0023-kafka-done-beside-the-offset.md.
 */
export class Commits implements CommitGate {
  readonly #options: CommitsOptions
  #timer: NodeJS.Timeout | undefined
  #isStopped = false
  #committing: Promise<void> | undefined
  /** How many commits have begun so far. */
  #begun = 0
  /** How many records were finished, and how many of them the broker knows. */
  #finished = 0
  #known = 0
  #onceNotFull: (() => void) | undefined
  /** False if the broker does not take the text beside an offset. */
  #keepsProgress = true
  #isFailing = false

  constructor(options: CommitsOptions) {
    this.#options = options
  }

  /** Ends the commits by time. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  changed(): void {
    if (this.#timer !== undefined || this.#isStopped) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#committing === undefined) void this.#commit()
      else this.changed()
    }, delayMs)
  }

  /** A member that is not in its group cannot commit, so its handlers do not wait for that. */
  get isFull(): boolean {
    return this.#options.member.isIn && this.#finished - this.#known >= this.#options.maxUncommitted
  }

  onceNotFull(then: () => void): void {
    this.#onceNotFull = then
  }

  /** Commits without waiting for the timer if much is finished. So quick handlers are rarely held up. */
  oneFinished(): void {
    this.#finished += 1
    this.changed()
    this.#commitIfMany()
  }

  /** Commits the progress of these partitions until the broker has all of it, or the time is over. */
  async all(trackers: readonly Tracker[], timeoutMs: number): Promise<void> {
    const endsAt = performance.now() + timeoutMs
    // A tracker that was lost in the meantime is not committed any more.
    const isBehind = (tracker: Tracker): boolean =>
      this.#options.trackers.get(nameOf(tracker)) === tracker && this.#stateOf(tracker).state !== tracker.committed
    while (trackers.some(isBehind) && performance.now() < endsAt) {
      await withTimeout(this.#commit(), Math.max(1, endsAt - performance.now()), () => new Error('late')).catch(
        () => {},
      )
      // The next generation of the group may begin soon, and take the commit.
      if (trackers.some(isBehind)) await sleep(retryMs)
    }
  }

  /**
   * Resolves with true once the broker has all of a partition that is finished by now. Resolves with false if the partition is lost before
   * that, or if it takes too long.
   */
  async holds(tracker: Tracker): Promise<boolean> {
    const before = this.#begun
    const endsAt = performance.now() + maxHoldsMs
    while (tracker.committedIn <= before) {
      if (this.#options.trackers.get(nameOf(tracker)) !== tracker || performance.now() > endsAt) return false
      await this.#commit()
      if (tracker.committedIn <= before) await sleep(retryMs)
    }
    return true
  }

  /** Returns those of the offsets that the broker does not have as finished. The text beside an offset may have no room for all. */
  uncovered({ committed, feed }: Tracker, offsets: readonly number[]): readonly number[] {
    const [offset, metadata] = [Number.parseInt(committed, 10), committed.slice(committed.indexOf('/') + 1)]
    const { done } = decodeProgress(offset, metadata, feed.identity)
    return outside(done, offsets).filter((one) => one >= offset)
  }

  #commitIfMany(): void {
    if (this.#committing !== undefined || this.#finished - this.#known < this.#options.maxUncommitted / 2) return
    void this.#commit()
  }

  /** Commits the partitions that have changed. */
  async #commit(): Promise<void> {
    // The commit under way may lack the latest changes.
    while (this.#committing !== undefined) await this.#committing
    this.#begun += 1
    const [number, all] = [this.#begun, [...this.#options.trackers.values()]]
    const changed = all
      .map((tracker) => ({ tracker, ...this.#stateOf(tracker) }))
      .filter(({ tracker, state }) => state !== tracker.committed)
    if (changed.length === 0) {
      for (const tracker of all) tracker.committedIn = number
      // The partitions of the finished records have other owners by now.
      this.#ended(this.#finished)
      return
    }
    const offsets = changed.map(({ tracker: { topic, partition }, offset, metadata }) => ({
      topic,
      partition,
      offset,
      metadata,
    }))
    const finished = this.#finished
    this.#committing = this.#options.member
      .commit(offsets)
      .then(() => {
        for (const { tracker, state } of changed) tracker.committed = state
        for (const tracker of all) tracker.committedIn = number
        this.#isFailing = false
      })
      .catch((error) => this.#failed(error))
      .finally(() => {
        this.#committing = undefined
        this.#ended(finished)
        this.#commitIfMany()
      })
    await this.#committing
  }

  #ended(known: number): void {
    this.#known = known
    const then = this.#onceNotFull
    this.#onceNotFull = undefined
    then?.()
  }

  /** A failure holds up nothing: the next commit tries again. */
  #failed(error: unknown): void {
    this.changed()
    const type = errorType(error)
    // The member notices failures of the link and of its membership itself.
    if (type === undefined || type === 'REBALANCE_IN_PROGRESS' || isFenced(error) || isCoordinatorGone(error)) return
    if (type === 'OFFSET_METADATA_TOO_LARGE') this.#keepsProgress = false
    if (this.#isFailing) return
    this.#isFailing = true
    this.#options.report(asMqError(error, `'${this.#options.group}' cannot commit how far it is`))
  }

  #stateOf(tracker: Tracker) {
    const { progress } = tracker
    const metadata = this.#keepsProgress ? encodeProgress(progress, tracker.feed.identity) : ''
    return { offset: progress.offset, metadata, state: `${progress.offset}/${metadata}` }
  }
}

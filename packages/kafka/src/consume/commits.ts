import { setTimeout as sleep } from 'node:timers/promises'
import { type GroupRef, type MqError, withTimeout } from '@mq/core/adapter'
import { asMqError, errorType, isCoordinatorGone, isFenced } from '../driver/errors.js'
import type { PartitionOffset } from '../driver/offsets.js'
import { encodeProgress } from '../wire/progress.js'
import type { Tracker } from './tracker.js'

export interface CommitsOptions {
  readonly ref: GroupRef
  /** How much may be finished that the broker does not know of. */
  readonly most: number
  readonly trackers: () => Iterable<Tracker>
  readonly commit: (offsets: readonly PartitionOffset[]) => Promise<void>
  /** More may be finished again. */
  readonly proceed: () => void
  readonly report: (error: MqError) => void
}

const everyMs = 20
const retryMs = 20

/** Tells the broker how far each partition is: one request at a time, soon after something has changed. */
export class Commits {
  readonly #options: CommitsOptions
  #timer: NodeJS.Timeout | undefined
  #committing: Promise<void> | undefined
  /** How many records were finished, and how many of them the broker knows of. */
  #finished = 0
  #known = 0
  /** The broker takes what stands beside an offset. */
  #keepsProgress = true
  #isFailing = false

  constructor(options: CommitsOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => {
      if (this.#committing === undefined) void this.#commit()
    }, everyMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  get isFull(): boolean {
    return this.#finished - this.#known >= this.#options.most
  }

  /** What a crash would repeat stays within `most`, without a commit for each message. */
  oneFinished(): void {
    this.#finished += 1
    this.#commitIfMany()
  }

  /** Again and again until all is told of these, or the time is over. */
  async all(trackers: readonly Tracker[], timeoutMs: number): Promise<void> {
    const endsAt = Date.now() + timeoutMs
    const isBehind = (tracker: Tracker): boolean => this.#stateOf(tracker).state !== tracker.committed
    while (trackers.some(isBehind) && Date.now() < endsAt) {
      await withTimeout(this.#commit(), Math.max(1, endsAt - Date.now()), () => new Error('late')).catch(() => {})
      // Another generation of the group may be on its way.
      if (trackers.some(isBehind)) await sleep(retryMs)
    }
  }

  #commitIfMany(): void {
    if (this.#committing !== undefined || this.#finished - this.#known < this.#options.most / 2) return
    void this.#commit()
  }

  /** What has changed. */
  async #commit(): Promise<void> {
    // The one under way may not know of the latest.
    while (this.#committing !== undefined) await this.#committing
    const changed = [...this.#options.trackers()]
      .map((tracker) => ({ tracker, ...this.#stateOf(tracker) }))
      .filter(({ tracker, state }) => state !== tracker.committed)
    if (changed.length === 0) {
      // What was finished belonged to partitions that are somebody else's by now.
      this.#known = this.#finished
      return
    }
    const offsets = changed.map(({ tracker: { topic, partition }, offset, metadata }) => ({
      topic,
      partition,
      offset,
      metadata,
    }))
    const finished = this.#finished
    this.#committing = this.#options
      .commit(offsets)
      .then(() => {
        for (const { tracker, state } of changed) tracker.committed = state
        this.#isFailing = false
      })
      .catch((error) => this.#failed(error))
      .finally(() => {
        this.#committing = undefined
        this.#known = finished
        this.#options.proceed()
        this.#commitIfMany()
      })
    await this.#committing
  }

  /** What is not committed is tried with the next ones, and holds up nothing. */
  #failed(error: unknown): void {
    const type = errorType(error)
    // The member looks after the link and after itself.
    if (type === undefined || type === 'REBALANCE_IN_PROGRESS' || isFenced(error) || isCoordinatorGone(error)) return
    if (type === 'OFFSET_METADATA_TOO_LARGE') this.#keepsProgress = false
    if (this.#isFailing) return
    this.#isFailing = true
    this.#options.report(asMqError(error, `'${this.#options.ref.group}' cannot commit how far it is`))
  }

  #stateOf(tracker: Tracker) {
    const { progress } = tracker
    const metadata = this.#keepsProgress ? encodeProgress(progress) : ''
    return { offset: progress.offset, metadata, state: `${progress.offset}/${metadata}` }
  }
}

import { Fifo } from '@mq/core/adapter'
import type { TopicPartition } from '../driver/cluster.js'
import type { Feed } from '../driver/fetcher.js'
import type { KafkaRecord } from '../driver/records/record-batch.js'
import { type Progress, SkippedRanges } from '../wire/progress.js'
import type { Entry } from './entry.js'

/**
 * - `main`: published messages.
 * - `delay`: messages that were published with a delay, for the group to copy.
 * - `retry`: messages that wait for their time in the group's own topic.
 */
export type TopicKind = 'main' | 'delay' | 'retry'

/** Roughly the memory of an entry beside the bytes of its record. */
const entryBytes = 100

/** The records of one partition between the oldest unfinished one and the last one read. */
export class Tracker implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly kind: TopicKind
  /** Entries that wait for a free handler. */
  readonly ready = new Fifo<Entry>()
  /** The state that was committed last, as `Commits` writes it. */
  committed = ''
  /** The number of entries that are neither done nor with a handler, and their bytes. */
  unstarted = 0
  unstartedBytes = 0
  /** The number of entries that are with a handler or being written to another topic. */
  running = 0
  /** The number of entries that are with a handler. */
  inHandlers = 0
  readonly #feed: Feed
  readonly #entries = new Fifo<Entry>()
  /** The offset behind the last record read. */
  #position: number
  readonly #skipped: SkippedRanges
  #isPaused = false
  #isClosing = false
  #idleWaiters: (() => void)[] = []

  constructor(at: TopicPartition, kind: TopicKind, progress: Progress, feed: Feed) {
    this.topic = at.topic
    this.partition = at.partition
    this.kind = kind
    this.#feed = feed
    this.#skipped = new SkippedRanges(progress.done)
    this.#position = progress.offset
  }

  /** The topic that its offsets belong to: see `Cluster.identityOf`. */
  get identity(): string | undefined {
    return this.#feed.identity
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Stops or resumes the reading of the partition. */
  setPaused(isPaused: boolean): void {
    if (isPaused === this.#isPaused) return
    this.#isPaused = isPaused
    if (isPaused) this.#feed.pause()
    else this.#feed.resume()
  }

  /** True once no further entry is started. */
  get isClosing(): boolean {
    return this.#isClosing
  }

  /** Ends the reading of the partition. */
  close(): void {
    this.#isClosing = true
    this.#feed.close()
  }

  /** Returns undefined for a record that an earlier owner has finished. */
  add(record: KafkaRecord): Entry | undefined {
    if (this.#skipped.includes(record.offset)) {
      this.#entries.push(this.#entry(record.offset, 0, undefined))
      return undefined
    }
    const bytes = record.bytes + entryBytes
    const entry = this.#entry(record.offset, bytes, record)
    this.#entries.push(entry)
    this.unstarted += 1
    this.unstartedBytes += bytes
    return entry
  }

  /** Makes an entry, which is done if it has no record. */
  #entry(offset: number, bytes: number, record: KafkaRecord | undefined): Entry {
    return {
      tracker: this,
      offset,
      bytes,
      state: record === undefined ? 'done' : 'waiting',
      record,
      decoded: undefined,
      key: undefined,
      isForwarded: false,
      run: undefined,
      isUnsettled: false,
      cancelTimer: undefined,
    }
  }

  /** Says that everything before this offset was read, also offsets without a record. */
  readTo(offset: number): void {
    this.#position = Math.max(this.#position, offset)
  }

  /** Marks an entry that a handler gets. */
  start(entry: Entry): void {
    entry.state = 'running'
    this.running += 1
    this.#uncount(entry)
  }

  /** Marks an entry that is written to another topic. That may take long, so until it ends the entry counts as unstarted. */
  forward(entry: Entry): void {
    entry.state = 'running'
    entry.isForwarded = true
    this.running += 1
  }

  /** Ends a running entry. */
  finish(entry: Entry, state: 'done' | 'void'): void {
    entry.state = state
    entry.record = undefined
    entry.decoded = undefined
    entry.run = undefined
    this.running -= 1
    if (entry.isForwarded) this.#uncount(entry)
    if (this.running === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve()
  }

  /** Gives up an entry that was not started. */
  discard(entry: Entry): void {
    entry.state = 'void'
    entry.record = undefined
    entry.cancelTimer?.()
    this.#uncount(entry)
  }

  #uncount({ bytes }: Entry): void {
    this.unstarted -= 1
    this.unstartedBytes -= bytes
  }

  /** Resolves when no entry is running. */
  async untilIdle(): Promise<void> {
    if (this.running > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve))
  }

  /** The offset up to which everything is finished. */
  get watermark(): number {
    while (this.#entries.first?.state === 'done') this.#entries.shift()
    return this.#entries.first?.offset ?? this.#position
  }

  /** The progress to commit, for the next owner. */
  get progress(): Progress {
    const offset = this.watermark
    const done: { first: number; last: number }[] = []
    let doneCount = 0
    let isAfterDone = false
    for (const { state, offset: at } of this.#entries) {
      const last = done.at(-1)
      if (state === 'done') {
        doneCount += 1
        if (last !== undefined && isAfterDone) last.last = at
        else done.push({ first: at, last: at })
      }
      isAfterDone = state === 'done'
    }
    // An earlier owner's ranges that were not read yet are passed on.
    for (const range of this.#skipped.from(this.#position)) {
      done.push(range)
      doneCount += range.last - range.first + 1
    }
    return { offset, done, doneCount, running: this.inHandlers }
  }

  get position(): number {
    return this.#position
  }

  /** True while no more is read because the oldest record is not finished, or while that record cannot be settled. */
  isHeldUp(maxUncommitted: number): boolean {
    const { uncommitted } = this
    const first = this.#entries.first
    if (first?.state !== 'running') return false
    return first.isUnsettled || (this.#isPaused && uncommitted >= maxUncommitted / 2)
  }

  /** How many records lie behind the oldest unfinished one, finished or not. */
  get uncommitted(): number {
    return this.watermark < this.#position ? this.#entries.length : 0
  }

  /** Forgets finished entries, which only committing needs. */
  forgetFinished(): void {
    const open = this.open()
    this.#entries.clear()
    for (const entry of open) this.#entries.push(entry)
  }

  /** Returns the entries that are not finished. */
  open(): readonly Entry[] {
    return [...this.#entries].filter(({ state }) => state !== 'done' && state !== 'void')
  }
}

export interface PressureLimits {
  readonly ephemeral: boolean
  readonly maxUncommitted: number
}

/** The limits of unstarted entries, for each partition. */
const maxUnstarted = 2_000
const maxUnstartedBytes = 4 * 1024 * 1024
/** The limit in a partition that holds its records back. They come in the order in which they go on, so fewer are enough. */
const maxHeldBack = 500

/** Pauses the reading of a partition that has too much in memory, and resumes it when half of that is gone. */
export function applyPressure(tracker: Tracker, { ephemeral, maxUncommitted }: PressureLimits): void {
  if (ephemeral && tracker.uncommitted >= maxUncommitted) tracker.forgetFinished()
  const isHeldBack = tracker.kind === 'retry' && tracker.partition > 0
  const share = tracker.isPaused ? 0.5 : 1
  tracker.setPaused(
    tracker.unstarted >= (isHeldBack ? maxHeldBack : maxUnstarted) * share ||
      tracker.unstartedBytes >= maxUnstartedBytes * share ||
      tracker.uncommitted >= maxUncommitted * share,
  )
}

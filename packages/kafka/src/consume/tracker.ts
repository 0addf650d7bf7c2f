import { Fifo } from '@mq/core/adapter'
import type { TopicPartition } from '../driver/cluster.js'
import type { Feed } from '../driver/reading/reader.js'
import type { KafkaRecord } from '../driver/records/record-batch.js'
import type { PartitionRead } from '../driver/requests.js'
import type { TopicKind } from '../topology/plans.js'
import { finishedRanges, outside, type Progress, SkippedRanges } from '../wire/progress.js'
import { type Entry, EntryStates, type LateRuns, type Origin, type Unstarted } from './entry.js'

export interface TrackerOptions {
  /** It commits nothing, so finished entries may be forgotten. */
  readonly ephemeral: boolean
  readonly maxUncommitted: number
}

/** Roughly the memory of an entry beside the bytes of its record. */
const entryBytes = 100
/** The limits of entries that are in memory and have not begun. */
const maxUnstarted = 2_000
const maxUnstartedBytes = 4 * 1024 * 1024
/** The limit of their bytes over all partitions with new messages. Each may have something, so that none stands still. */
const maxUnstartedBytesOfMain = 16 * 1024 * 1024
/** The limit in a partition that holds its records back. They come in the order in which they go on, so fewer are enough. */
const maxHeldBack = 500

/** The records of one partition between the oldest unfinished one and the last one read. */
export class Tracker implements Origin {
  readonly topic: string
  readonly partition: number
  readonly kind: TopicKind
  readonly feed: Feed
  readonly ready = new Fifo<Entry>()
  readonly states: EntryStates
  readonly lateRuns: LateRuns | undefined
  /** The offset behind the last record read. */
  position: number
  /** The state that was committed last, as `Commits` writes it. */
  committed = ''
  /** The number of the last commit that had its state, as `Commits` counts them. */
  committedIn = 0
  isPaused = false
  /** True once no further entry is started. */
  isClosing = false
  readonly #options: TrackerOptions
  readonly #unstarted: Unstarted
  readonly #entries = new Fifo<Entry>()
  readonly #skipped: SkippedRanges
  /** The offset that was committed when it began. */
  readonly #committedFirst: number
  /** How many entries were added so far, and their bytes. */
  #added = 0
  #addedBytes = 0

  constructor(
    at: TopicPartition & { readonly kind: TopicKind },
    reading: { readonly progress: Progress; readonly feed: Feed; readonly lateRuns?: LateRuns },
    options: TrackerOptions,
    ofMain: Unstarted,
  ) {
    // Messages that wait for their time may do so for long, and must not slow new ones.
    this.#unstarted = at.kind === 'main' ? ofMain : { bytes: 0 }
    this.states = new EntryStates(this.#unstarted)
    this.topic = at.topic
    this.partition = at.partition
    this.kind = at.kind
    this.#options = options
    this.feed = reading.feed
    this.lateRuns = reading.lateRuns
    this.#committedFirst = reading.lateRuns?.committed ?? reading.progress.offset
    this.#skipped = new SkippedRanges(reading.progress.done)
    this.position = reading.progress.offset
  }

  /** Takes what was read, and returns an entry for each record that no earlier owner has finished. */
  take({ records, nextOffset }: Pick<PartitionRead, 'records' | 'nextOffset'>): readonly Entry[] {
    const taken: Entry[] = []
    for (const record of records) {
      const entry = this.#entryOf(record)
      this.#entries.push(entry)
      if (entry.state === 'done') continue
      this.#added += 1
      this.#addedBytes += entry.bytes
      this.#unstarted.bytes += entry.bytes
      taken.push(entry)
    }
    if (nextOffset !== undefined) this.readTo(nextOffset)
    this.applyPressure()
    return taken
  }

  #entryOf(record: KafkaRecord): Entry {
    const isFinished = this.#skipped.includes(record.offset)
    return {
      tracker: this,
      offset: record.offset,
      bytes: isFinished ? 0 : record.bytes + entryBytes,
      state: isFinished ? 'done' : 'waiting',
      record: isFinished ? undefined : record,
      decoded: undefined,
      key: undefined,
      isForwarded: false,
      run: undefined,
      ending: undefined,
      isUnsettled: false,
      cancelTimer: undefined,
    }
  }

  /** Says that everything before this offset was read, also offsets without a record. */
  readTo(offset: number): void {
    this.position = Math.max(this.position, offset)
  }

  /** Pauses the reading if too much is in memory, and resumes it when half of that is gone. */
  applyPressure(): void {
    const { ephemeral, maxUncommitted } = this.#options
    // Only committing needs finished entries.
    if (ephemeral && this.uncommitted >= maxUncommitted) this.#keep(this.open())
    const isHeldBack = this.kind === 'retry' && this.partition > 0
    const share = this.isPaused ? 0.5 : 1
    const unstarted = this.#added - this.states.begun
    const isPaused =
      unstarted >= (isHeldBack ? maxHeldBack : maxUnstarted) * share ||
      this.#addedBytes - this.states.begunBytes >= maxUnstartedBytes * share ||
      (unstarted > 0 && this.#unstarted.bytes >= maxUnstartedBytesOfMain * share) ||
      this.uncommitted >= maxUncommitted * share
    if (isPaused === this.isPaused) return
    this.isPaused = isPaused
    if (isPaused) this.feed.pause()
    else this.feed.resume()
  }

  /** Finds the entries of these offsets, and those that are not read yet. The others are finished, or no records. */
  find(offsets: readonly number[]): { readonly entries: readonly Entry[]; readonly unread: readonly number[] } {
    const wanted = new Set(offsets)
    const entries = [...this.#entries].filter(({ offset, state }) => state !== 'done' && wanted.has(offset))
    const ahead = [...wanted].filter((offset) => offset >= this.position)
    return { entries, unread: outside(this.#skipped.from(this.position), ahead) }
  }

  /** Takes records for finished that are not read yet. */
  skip(offsets: readonly number[]): void {
    this.#skipped.add(offsets)
  }

  /** Ends the reading of the partition. */
  close(): void {
    this.isClosing = true
    this.feed.close()
  }

  /** The offset of the group at the broker, as far as this consumer knows. Only somebody who sets the group back makes it less. */
  get committedOffset(): number {
    return this.committed === '' ? this.#committedFirst : Number.parseInt(this.committed, 10)
  }

  /** The offset up to which everything is finished. */
  get watermark(): number {
    while (this.#entries.first?.state === 'done') this.#entries.shift()
    return this.#entries.first?.offset ?? this.position
  }

  /** The progress to commit, for the next owner. */
  get progress(): Progress {
    const offset = this.watermark
    // An earlier owner's ranges that were not read yet are passed on.
    const done = finishedRanges(this.#entries, this.#skipped.from(this.position))
    return { offset, ...done, running: this.states.inHandlers }
  }

  /** True while no more is read because the oldest record is not finished, or while that record cannot be settled. */
  get isHeldUp(): boolean {
    const { uncommitted } = this
    const first = this.#entries.first
    if (first?.state !== 'running') return false
    return first.isUnsettled || (this.isPaused && uncommitted >= this.#options.maxUncommitted / 2)
  }

  /** How many records lie behind the oldest unfinished one, finished or not. */
  get uncommitted(): number {
    return this.watermark < this.position ? this.#entries.length : 0
  }

  #keep(entries: readonly Entry[]): void {
    this.#entries.clear()
    for (const entry of entries) this.#entries.push(entry)
  }

  /** Returns the entries that are not finished. */
  open(): readonly Entry[] {
    return [...this.#entries].filter(({ state }) => state !== 'done' && state !== 'void')
  }
}

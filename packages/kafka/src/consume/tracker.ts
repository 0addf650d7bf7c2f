import type { KafkaRecord } from '../driver/record-batch.js'
import type { TopicPartition } from '../driver/topic-partition.js'
import type { Progress, Range } from '../wire/progress.js'
import type { DecodedRecord } from '../wire/decode.js'
import { Fifo } from './fifo.js'
import type { Run } from './run.js'

/**
 * - `main`: what was published.
 * - `delay`: what was published with a delay, for the group to copy.
 * - `retry`: what waits for its time in the group's own topic.
 */
export type TopicKind = 'main' | 'delay' | 'retry'

/**
 * One record that is not finished.
 *
 * - `waiting`: for its time, or for an earlier one of its key.
 * - `ready`: for a free handler.
 * - `running`: handled, or being written elsewhere.
 * - `done`: the watermark may pass it.
 * - `void`: no longer this consumer's.
 */
export interface Entry {
  readonly tracker: Tracker
  readonly offset: number
  readonly bytes: number
  state: 'waiting' | 'ready' | 'running' | 'done' | 'void'
  record: KafkaRecord | undefined
  decoded: DecodedRecord | undefined
  /** Of its lane, in an ordered consumer. */
  key: string | undefined
  /** It is written elsewhere, and no handler has it. */
  forwarded: boolean
  /** Others of its key wait for it. */
  inLane: boolean
  /** While a handler has it. */
  run: Run | undefined
  /** A handler had it, and what became of it could not be written yet. */
  isUnsettled: boolean
  cancelTimer: (() => void) | undefined
}

/** The records of one partition between the oldest unfinished one and the last one read. */
export class Tracker implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly kind: TopicKind
  /** What waits for a free handler. */
  readonly ready = new Fifo<Entry>()
  /** What the broker was told last, as `stateOf` gives it. */
  committed = ''
  isPaused = false
  /** Nothing new is started. */
  isClosing = false
  /** Records that are neither done nor with a handler, and the bytes that they hold. */
  unstarted = 0
  unstartedBytes = 0
  running = 0
  /** Behind the last record read. */
  #position: number
  readonly #entries = new Fifo<Entry>()
  /** What an earlier owner had finished behind the offset that it committed. */
  #skipped: readonly Range[]
  /** Handlers, of what is running. */
  handled = 0

  constructor(at: TopicPartition, kind: TopicKind, progress: Progress) {
    this.topic = at.topic
    this.partition = at.partition
    this.kind = kind
    this.#skipped = progress.done
    this.#position = progress.offset
  }

  /** Undefined for one that an earlier owner has finished. */
  add(record: KafkaRecord): Entry | undefined {
    while (this.#skipped[0] !== undefined && this.#skipped[0].last < record.offset)
      this.#skipped = this.#skipped.slice(1)
    const isDone = (this.#skipped[0]?.first ?? Number.POSITIVE_INFINITY) <= record.offset
    if (isDone) {
      this.#entries.push(this.#entry(record.offset, 0, undefined))
      return undefined
    }
    const bytes = record.bytes + 100
    const entry = this.#entry(record.offset, bytes, record)
    this.#entries.push(entry)
    this.unstarted += 1
    this.unstartedBytes += bytes
    return entry
  }

  /** Without a record it is done. All its fields are there from the start, since one is made for each record. */
  #entry(offset: number, bytes: number, record: KafkaRecord | undefined): Entry {
    return {
      tracker: this,
      offset,
      bytes,
      state: record === undefined ? 'done' : 'waiting',
      record,
      decoded: undefined,
      key: undefined,
      forwarded: false,
      inLane: false,
      run: undefined,
      isUnsettled: false,
      cancelTimer: undefined,
    }
  }

  /** Everything before this offset was read, also what no record stands for. */
  readTo(offset: number): void {
    this.#position = Math.max(this.#position, offset)
  }

  /** A handler gets it. */
  start(entry: Entry): void {
    entry.state = 'running'
    this.running += 1
    this.#uncount(entry)
  }

  /** It is written elsewhere, which may take long: until then it counts as before. */
  forward(entry: Entry): void {
    entry.state = 'running'
    entry.forwarded = true
    this.running += 1
  }

  /** A running entry ends, as done or not. */
  finish(entry: Entry, state: 'done' | 'void'): void {
    entry.state = state
    entry.record = undefined
    entry.decoded = undefined
    entry.run = undefined
    this.running -= 1
    if (entry.forwarded) this.#uncount(entry)
  }

  /** An entry that was not started is none of this consumer's any more. */
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

  /** The offset up to which everything is finished. */
  get watermark(): number {
    while (this.#entries.first?.state === 'done') this.#entries.shift()
    return this.#entries.first?.offset ?? this.#position
  }

  /** What the next owner is to know. */
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
    for (const range of this.#unreadSkipped()) {
      done.push(range)
      doneCount += range.last - range.first + 1
    }
    return { offset, done, doneCount, running: this.handled }
  }

  /** What an earlier owner had finished and this one has not come across: the next owner is to know of it all the same. */
  #unreadSkipped(): readonly Range[] {
    const from = this.#position
    return this.#skipped
      .filter(({ last }) => last >= from)
      .map(({ first, last }) => ({ first: Math.max(first, from), last }))
  }

  get position(): number {
    return this.#position
  }

  /** How many records lie past the oldest unfinished one, finished or not. */
  get uncommitted(): number {
    return this.watermark < this.#position ? this.#entries.length : 0
  }

  /** For whoever commits nothing: what is finished is not needed to know how far everything is. */
  forgetFinished(): void {
    const open = this.open()
    this.#entries.clear()
    for (const entry of open) this.#entries.push(entry)
  }

  /** What is not finished. */
  open(): readonly Entry[] {
    return [...this.#entries].filter(({ state }) => state !== 'done' && state !== 'void')
  }
}

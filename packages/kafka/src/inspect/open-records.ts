import type { KafkaRecord } from '../driver/records/record-batch.js'
import { tiersMs } from '../topology/tiers.js'
import { SkippedRanges } from '../wire/progress.js'
import { type DecodedRecord, decodeRecord } from '../wire/record.js'
import type { OpenPart } from './open-parts.js'

/** A record that its group has not finished. */
export interface OpenRecord {
  readonly part: OpenPart
  readonly record: KafkaRecord
  readonly decoded: DecodedRecord
  /** When it became ready, or will be. Milliseconds since 1970. */
  readonly readyMs: number
  /** True if it waits for its time. */
  readonly isHeldBack: boolean
}

/** Tells which records of one partition are open. It is asked about each, in the order of their offsets. */
export class OpenRecords {
  readonly #part: OpenPart
  /** The name of the topic that applications use. */
  readonly #name: string
  readonly #done: SkippedRanges
  readonly #now: number
  #runningLeft: number

  /** `from` is the offset of the first record that it is asked about. */
  constructor(
    part: OpenPart,
    { name, from, now }: { readonly name: string; readonly from: number; readonly now: number },
  ) {
    const { progress, running } = part
    this.#part = part
    this.#name = name
    this.#now = now
    this.#done = new SkippedRanges(progress.done)
    // The oldest ones run, as far as the broker can say.
    const doneBefore = progress.done.reduce((sum, { first, last }) => sum + lengthBefore(from, { first, last }), 0)
    this.#runningLeft = Math.max(0, running - (from - progress.offset - doneBefore))
  }

  /** Returns undefined for a record that is finished or being handled. */
  open(record: KafkaRecord): OpenRecord | undefined {
    if (this.#done.includes(record.offset)) return undefined
    if (this.#runningLeft > 0) {
      this.#runningLeft -= 1
      return undefined
    }
    const { topic, partition } = this.#part
    const decoded = decodeRecord(record, { topic, partition, name: this.#name })
    const { dueMs } = decoded
    // Those of the message's own topic are handled as they come.
    const isHeldBack = this.#part.kind !== 'main' && dueMs > this.#now
    const readyMs = isHeldBack ? dueMs : Math.min(dueMs > 0 ? dueMs : record.timestampMs, this.#now)
    return { part: this.#part, record, decoded, readyMs, isHeldBack }
  }

  /** Returns whether neither this record nor any behind it can be due by now. */
  isTooEarly({ timestampMs }: KafkaRecord): boolean {
    const { kind, partition, isReady } = this.#part
    return kind === 'retry' && !isReady && timestampMs + (tiersMs[partition] ?? 0) > this.#now
  }
}

const lengthBefore = (offset: number, { first, last }: { readonly first: number; readonly last: number }): number =>
  Math.max(0, Math.min(last + 1, offset) - first)

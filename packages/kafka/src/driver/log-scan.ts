import type { Cluster, TopicPartition } from './cluster.js'
import { errorType } from './errors.js'
import type { Broker } from './kafkajs-types.js'
import { logStart } from './offsets.js'
import { patiently } from './patience.js'
import type { KafkaRecord } from './records/record-batch.js'
import { type FetchLimits, fetch, type PartitionRead } from './requests.js'

/** A part of one partition: `from` is read, `end` is not. */
export interface LogPart extends TopicPartition {
  readonly from: number
  readonly end: number
}

export interface ScanLimits {
  /** How much an answer brings of one partition. Default: 256 KiB. */
  readonly maxPartitionBytes?: number
  /** How much is read in all, about. Nothing more is asked for after that. */
  readonly maxBytes: number
  /** How many records are read in all, about. */
  readonly maxRecords: number
}

/** The records of one part that are read and not taken yet. */
export class ScanPart implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly end: number
  /** The offset of the record that is taken next, or a lower one. */
  position: number
  readonly #records: KafkaRecord[] = []
  #taken = 0
  /** The offset to ask for next. */
  #from: number
  #isEnded = false

  constructor({ topic, partition, from, end }: LogPart) {
    this.topic = topic
    this.partition = partition
    this.end = end
    this.position = from
    this.#from = from
  }

  /** The next record. Undefined if it is not read yet, or if there is none. */
  get first(): KafkaRecord | undefined {
    return this.#records[this.#taken]
  }

  /** True if there is no further record. */
  get hasEnded(): boolean {
    return this.first === undefined && (this.#isEnded || this.#from >= this.end)
  }

  get from(): number {
    return this.#from
  }

  /** Takes the next record out. */
  shift(): KafkaRecord | undefined {
    const record = this.first
    if (record === undefined) return undefined
    this.#taken += 1
    this.position = record.offset + 1
    return record
  }

  /** Reads no further. */
  stop(): void {
    this.#isEnded = true
    this.#records.length = this.#taken
  }

  /** Goes on at the beginning of the log, which is a later one by now. */
  startAt(offset: number): void {
    if (offset > this.#from) this.#from = offset
    else this.#isEnded = true
  }

  add({ records, nextOffset }: Pick<PartitionRead, 'records' | 'nextOffset'>): void {
    for (const record of records) if (record.offset < this.end) this.#records.push(record)
    // Compaction may have removed the last records.
    if (nextOffset === undefined) return
    this.#from = nextOffset
    if (this.first === undefined) this.position = nextOffset
  }
}

const defaultPartBytes = 256 * 1024
const maxAnswerBytes = 10 * 1024 * 1024

/** Reads parts of several partitions side by side, some records at a time, without any group. */
export class LogScan {
  readonly parts: readonly ScanPart[]
  readonly #cluster: Cluster
  readonly #limits: FetchLimits
  #bytesLeft: number
  #recordsLeft: number

  constructor(cluster: Cluster, parts: readonly LogPart[], limits: ScanLimits) {
    this.#cluster = cluster
    this.parts = parts.map((part) => new ScanPart(part))
    this.#limits = {
      maxWaitMs: 0,
      maxBytes: maxAnswerBytes,
      maxPartitionBytes: limits.maxPartitionBytes ?? defaultPartBytes,
    }
    this.#bytesLeft = limits.maxBytes
    this.#recordsLeft = limits.maxRecords
  }

  /** True once as much is read as its limits allow. */
  get isSpent(): boolean {
    return this.#bytesLeft <= 0 || this.#recordsLeft <= 0
  }

  /** Reads until each of these parts has a next record or has ended. Resolves with false if its limits do not allow that. */
  async fill(parts: readonly ScanPart[] = this.parts): Promise<boolean> {
    const isEmpty = (part: ScanPart): boolean => part.first === undefined && !part.hasEnded
    for (let empty = parts.filter(isEmpty); empty.length > 0; empty = parts.filter(isEmpty)) {
      if (this.isSpent) return false
      let isFurther = false
      for (const read of await this.#read(empty)) {
        const part = empty.find(({ topic, partition }) => topic === read.topic && partition === read.partition)
        if (part === undefined) continue
        if (read.error !== undefined) part.startAt(await logStart(this.#cluster, part))
        else part.add(read)
        isFurther ||= read.error !== undefined || read.nextOffset !== undefined
        this.#recordsLeft -= read.records.length
        for (const { bytes } of read.records) this.#bytesLeft -= bytes
      }
      // A broker brings at least one batch, unless all that is left belongs to transactions that are open.
      if (!isFurther) for (const part of empty) part.stop()
    }
    return true
  }

  async #read(parts: readonly ScanPart[]): Promise<readonly PartitionRead[]> {
    return await patiently(async () => {
      const leaders = new Map<Broker, ScanPart[]>()
      for (const part of parts) {
        const leader = await this.#cluster.leader(part.topic, part.partition)
        leaders.set(leader, [...(leaders.get(leader) ?? []), part])
      }
      const reads = await Promise.all(
        [...leaders].map(([leader, ofLeader]) => fetch(this.#cluster, leader, ofLeader, this.#limits)),
      )
      return reads.flat().map((read) => this.#checked(read))
    })
  }

  /** Throws every error except that the offset is out of range. */
  #checked(read: PartitionRead): PartitionRead {
    if (read.error === undefined || errorType(read.error) === 'OFFSET_OUT_OF_RANGE') return read
    this.#cluster.forget(read.topic)
    throw read.error
  }
}

import {
  type Delivery,
  type Failure,
  type Fifo,
  type LazyAbort,
  lazyAbort,
  MqError,
  type Settlement,
} from '@mq/core/adapter'
import type { TopicPartition } from '../driver/cluster.js'
import type { KafkaRecord } from '../driver/records/record-batch.js'
import type { TopicKind } from '../topology/plans.js'
import { type DecodedRecord, decodeRecord } from '../wire/record.js'

/** The partition that an entry was read from, as far as entries and handlers concern it. */
export interface Origin extends TopicPartition {
  readonly kind: TopicKind
  /** Entries that wait for a free handler. */
  readonly ready: Fifo<Entry>
  readonly states: EntryStates
  readonly lateRuns: LateRuns | undefined
  /** It is not read, because too much of it is in memory. */
  readonly isPaused: boolean
  /** Resumes its reading if enough is gone. */
  applyPressure(): void
}

/** The runs of a partition that go on, or have ended, although it was lost by a standstill of this process. */
export interface LateRuns {
  /** The offset that was committed when the partition was assigned again. */
  readonly committed: number
  readonly byOffset: Map<number, Promise<Settlement>>
}

/** One record that is not finished. All its fields exist from the start, because one is made for each record. */
export interface Entry {
  readonly tracker: Origin
  readonly offset: number
  readonly bytes: number
  /**
   * - `waiting`: for its time, or for an earlier one of its key.
   * - `ready`: for a free handler.
   * - `running`: a handler has it, or it is being written to another topic.
   * - `done`: the watermark may pass it.
   * - `void`: it does not belong to this consumer any more.
   */
  state: 'waiting' | 'ready' | 'running' | 'done' | 'void'
  record: KafkaRecord | undefined
  decoded: DecodedRecord | undefined
  /** The key of its lane, in an ordered consumer. */
  key: string | undefined
  /** It is being written to another topic, and no handler has it. */
  isForwarded: boolean
  /** Set while a handler has it. */
  run: Run | undefined
  /** How its run ends, from its start until the entry is finished. */
  ending: Promise<Settlement> | undefined
  /** Its handler has ended, but its settlement cannot be written yet. */
  isUnsettled: boolean
  cancelTimer: (() => void) | undefined
}

/** The bytes of entries of several partitions that are in memory and have not begun. */
export interface Unstarted {
  bytes: number
}

/** Moves the entries of one partition from state to state, and counts them. */
export class EntryStates {
  /** How many entries have begun or were given up so far, and their bytes. */
  begun = 0
  begunBytes = 0
  /** The number of entries that are with a handler or being written to another topic. */
  running = 0
  /** The number of entries that are with a handler. */
  inHandlers = 0
  readonly #unstarted: Unstarted
  #idleWaiters: (() => void)[] = []

  constructor(unstarted: Unstarted) {
    this.#unstarted = unstarted
  }

  /** Makes the run for which a handler is called. `topic` is the name that applications use. */
  start(entry: Entry, topic: string): Run {
    const run = new Run(decodedOf(entry, topic))
    entry.run = run
    entry.state = 'running'
    this.running += 1
    this.inHandlers += 1
    this.#begin(entry)
    return run
  }

  /** Marks an entry that is written to another topic. That may take long, so it counts as begun only when it ends. */
  forward(entry: Entry): void {
    entry.state = 'running'
    entry.isForwarded = true
    this.running += 1
  }

  /** Returns false if no handler had it. */
  leaveHandler(entry: Entry): boolean {
    if (entry.run === undefined) return false
    entry.run = undefined
    this.inHandlers -= 1
    return true
  }

  /** Ends a running entry. */
  finish(entry: Entry, state: 'done' | 'void'): void {
    this.leaveHandler(entry)
    entry.state = state
    entry.record = undefined
    entry.decoded = undefined
    entry.ending = undefined
    this.running -= 1
    if (entry.isForwarded) this.#begin(entry)
    if (this.running === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve()
  }

  /** Gives up an entry that was not started, or finishes it without a run. */
  discard(entry: Entry, state: 'void' | 'done' = 'void'): void {
    entry.state = state
    entry.record = undefined
    entry.decoded = undefined
    entry.cancelTimer?.()
    this.#begin(entry)
  }

  /** Resolves when no entry is running. */
  async untilIdle(): Promise<void> {
    if (this.running > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve))
  }

  #begin({ bytes }: Entry): void {
    this.begun += 1
    this.begunBytes += bytes
    this.#unstarted.bytes -= bytes
  }
}

/** Decodes the record when it is first needed. `name` is the name of the topic that applications use. */
export function decodedOf(entry: Entry, name: string): DecodedRecord {
  if (entry.record === undefined) throw new MqError('MQ_OPERATION_FAILED', 'A finished record was looked at')
  const { topic, partition } = entry.tracker
  entry.decoded ??= decodeRecord(entry.record, { topic, partition, name })
  return entry.decoded
}

/** A call of `handle`, and the delivery that the call is given. There is one for each message, so it is made without copying. */
export class Run implements Delivery {
  readonly message: Delivery['message']
  readonly attempt: number
  declare readonly failure?: Failure
  declare readonly decodeError?: MqError
  #abort: LazyAbort | undefined

  constructor({ message, attempt, failure, decodeError }: DecodedRecord) {
    this.message = message
    this.attempt = attempt
    if (failure !== undefined) this.failure = failure
    if (decodeError !== undefined) this.decodeError = decodeError
  }

  get signal(): AbortSignal {
    this.#abort ??= lazyAbort()
    return this.#abort.signal
  }

  get aborted(): boolean {
    return this.#abort?.aborted ?? false
  }

  abort(reason: MqError): void {
    this.#abort ??= lazyAbort()
    this.#abort.abort(reason)
  }
}

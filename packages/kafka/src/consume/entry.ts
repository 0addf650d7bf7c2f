import { type Delivery, type Failure, type LazyAbort, lazyAbort, MqError, type RawMessage } from '@mq/core/adapter'
import type { KafkaRecord } from '../driver/records/record-batch.js'
import { type DecodedRecord, decodeRecord } from '../wire/record.js'
import type { Tracker } from './tracker.js'

/** One record that is not finished. All its fields exist from the start, because one is made for each record. */
export interface Entry {
  readonly tracker: Tracker
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
  /** Its handler has ended, but its settlement cannot be written yet. */
  isUnsettled: boolean
  cancelTimer: (() => void) | undefined
}

/** Decodes the record when it is first needed. `topic` is the name that applications use. */
export function decodedOf(entry: Entry, topic: string): DecodedRecord {
  if (entry.record === undefined) throw new MqError('MQ_OPERATION_FAILED', 'A finished record was looked at')
  entry.decoded ??= decodeRecord(entry.record, {
    topic: entry.tracker.topic,
    partition: entry.tracker.partition,
    name: topic,
  })
  return entry.decoded
}

/** A call of `handle`, and the delivery that the call is given. There is one for each message, so it is made without copying. */
export class Run implements Delivery {
  readonly message: RawMessage
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

  abort(reason: MqError): void {
    this.#abort ??= lazyAbort()
    this.#abort.abort(reason)
  }
}

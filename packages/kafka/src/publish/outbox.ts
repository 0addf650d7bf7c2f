import { closedError, type MqError, type PublishLimits, pendingPublishes, type StoreOutcome } from '@mq/core/adapter'
import { type OutgoingRecord, recordBytes } from '../driver/records/record-writer.js'
import type { TopicPartition } from '../driver/topic-partition.js'
import { lateReason, type Parcel } from './parcel.js'
import { TopicQueue, type TopicQueueOptions } from './topic-queue.js'

export interface SendLimits extends PublishLimits {
  /** Default: the key decides, or a record without a key goes to a partition that is free. */
  readonly partition?: number
}

const appendTimeoutMs = 15_000

/**
 * Sends records in batches: all that wait for a partition go in one request, with one request at a time to each partition. So no
 * record overtakes another, and no request covers two partitions of which one may have failed. Failed requests are tried again
 * until the time of their records is over.
 */
export function createOutbox(options: TopicQueueOptions) {
  const topics = new Map<string, TopicQueue>()
  const pending = pendingPublishes<Parcel>({ late: lateReason })
  let closed: MqError | undefined

  function queueFor(topic: string): TopicQueue {
    const found = topics.get(topic)
    if (found !== undefined) return found
    const made = new TopicQueue(topic, options)
    topics.set(topic, made)
    return made
  }

  /** Settles each record within its limits. Rejects with `MQ_CLOSED` after `close`. */
  function send(
    topic: string,
    records: readonly OutgoingRecord[],
    limits: SendLimits,
  ): Promise<readonly StoreOutcome[]> {
    if (closed !== undefined) return Promise.reject(closed)
    const queue = queueFor(topic)
    return pending.add(limits, records.length, (call, index) => {
      const record = records[index] as OutgoingRecord
      const parcel: Parcel = { call, index, maybeStored: false, to: queue, record, bytes: recordBytes(record) }
      queue.push(parcel, limits.partition)
      return parcel
    })
  }

  return {
    send,
    /** Stores records in one partition. Rejects with the error of the first that is not known to be stored. */
    async append({ topic, partition }: TopicPartition, records: readonly OutgoingRecord[]): Promise<void> {
      const outcomes = await send(topic, records, { timeoutMs: appendTimeoutMs, partition })
      const failed = outcomes.find(({ status }) => status !== 'stored')
      if (failed !== undefined) throw failed.error
    },
    /** Refuses new records, and waits for those under way. When the time is over, it gives up the rest. */
    async close(timeoutMs: number): Promise<void> {
      closed ??= closedError()
      await pending.close(timeoutMs)
    },
  }
}

export type Outbox = ReturnType<typeof createOutbox>

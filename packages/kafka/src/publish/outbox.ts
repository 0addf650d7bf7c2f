import { setTimeout as sleep } from 'node:timers/promises'
import { MqError, type PublishCall, type StoreOutcome } from '@mq/core/adapter'
import type { Cluster } from '../driver/cluster.js'
import { asMqError, isUnknownTopic } from '../driver/errors.js'
import { partitionFor } from '../driver/protocol.js'
import { type OutgoingRecord, recordBytes } from '../driver/record-writer.js'
import { type Compression, produce } from '../driver/requests.js'
import type { Topology } from '../topology/topology.js'
import { isAmbiguous, isFinal, isTooLarge } from './refusals.js'

export interface OutboxOptions {
  readonly cluster: Cluster
  readonly topology: Topology
  readonly compression: Compression
  readonly lingerMs: number
  readonly requestTimeoutMs: number
}

export interface SendCall extends Pick<PublishCall, 'timeoutMs'>, Partial<Pick<PublishCall, 'signal'>> {
  readonly partition?: number
}

/** A record on its way, until somebody knows what became of it. */
interface Parcel {
  readonly queue: TopicQueue
  readonly record: OutgoingRecord
  readonly bytes: number
  readonly expiresAt: number
  readonly settle: (outcome: StoreOutcome) => void
  /** Its signal is looked at only when an answer does not come at once: making one has a price. */
  readonly call: SendCall
  sweeps: number
  /** It was in a request that may have been carried out. */
  maybeStored: boolean
  settled: boolean
}

interface PartitionQueue {
  readonly partition: number
  parcels: Parcel[]
  busy: boolean
}

interface TopicQueue {
  readonly topic: string
  /** Without a key: they go to whichever partition is free. */
  loose: Parcel[]
  /** With a key, for a partition that is not known before the topic's number of partitions is. */
  keyed: Parcel[]
  readonly partitions: Map<number, PartitionQueue>
  count: number
  countedAt: number
  preparing: boolean
  flushScheduled: boolean
  nextPartition: number
  failure: unknown
}

/** What fits into a request of the broker's default size with room for what surrounds it. */
const maxBatchBytes = 950 * 1024
const maxBatchRecords = 10_000
const leastRetryMs = 50
const mostRetryMs = 1_000
const sweepMs = 50
/** How old the number of a topic's partitions may be. */
const countAgainMs = 60_000

/**
 * Sends records in batches: whatever waits for a partition goes in one request, one request at a time to each partition. So
 * nothing overtakes, and no request covers two partitions of which one may have failed. What fails is tried again until its
 * time is over.
 */
export function createOutbox(options: OutboxOptions) {
  const topics = new Map<string, TopicQueue>()
  const pending = new Set<Parcel>()
  let sweeper: NodeJS.Timeout | undefined
  let idle: (() => void) | undefined
  let closed: MqError | undefined

  function settle(parcel: Parcel, outcome: StoreOutcome): void {
    if (parcel.settled) return
    parcel.settled = true
    pending.delete(parcel)
    parcel.settle(outcome)
    if (pending.size > 0) return
    clearInterval(sweeper)
    sweeper = undefined
    idle?.()
  }

  function expire(parcel: Parcel, why: MqError): void {
    const status = parcel.maybeStored ? 'unknown' : 'rejected'
    const code = status === 'unknown' ? 'MQ_PUBLISH_UNKNOWN' : 'MQ_PUBLISH_REJECTED'
    const error = new MqError(code, `${statusText[status]}: ${why.message}`, { cause: why })
    settle(parcel, { status, routed: 'unknown', error })
  }

  function sweep(): void {
    const now = Date.now()
    for (const parcel of pending) {
      const isOver = parcel.expiresAt <= now || (parcel.sweeps++ > 0 && parcel.call.signal?.aborted)
      if (isOver) expire(parcel, new MqError('MQ_TIMEOUT', lateText(parcel), { cause: parcel.queue.failure }))
    }
  }

  function accept(parcel: Parcel, partition: number | undefined): void {
    const { queue } = parcel
    pending.add(parcel)
    sweeper ??= setInterval(sweep, sweepMs)
    if (partition !== undefined) partitionQueue(queue, partition).parcels.push(parcel)
    else if (parcel.record.key !== null) queue.keyed.push(parcel)
    else queue.loose.push(parcel)
    scheduleFlush(queue)
  }

  function queueFor(topic: string): TopicQueue {
    const found = topics.get(topic)
    if (found !== undefined) return found
    const queue: TopicQueue = {
      topic,
      loose: [],
      keyed: [],
      partitions: new Map(),
      count: 0,
      countedAt: 0,
      preparing: false,
      flushScheduled: false,
      nextPartition: 0,
      failure: undefined,
    }
    topics.set(topic, queue)
    return queue
  }

  function scheduleFlush(queue: TopicQueue): void {
    if (queue.flushScheduled) return
    queue.flushScheduled = true
    const run = (): void => {
      queue.flushScheduled = false
      if (queue.count === 0) void prepare(queue)
      else flush(queue)
    }
    if (options.lingerMs > 0) setTimeout(run, options.lingerMs)
    else process.nextTick(run)
  }

  /** Finds out how many partitions there are, and creates the topic where it has to. */
  async function prepare(queue: TopicQueue): Promise<void> {
    if (queue.preparing) return
    queue.preparing = true
    for (let retryMs = leastRetryMs; queue.count === 0 && hasWork(queue); retryMs = longer(retryMs)) {
      try {
        queue.count = await options.topology.ensure(queue.topic)
        queue.countedAt = Date.now()
      } catch (error) {
        queue.failure = error
        if (isFinal(error)) rejectAll(queue, error)
        else await sleep(retryMs)
      }
    }
    queue.preparing = false
    if (queue.count > 0) flush(queue)
  }

  /** Partitions may be added; meanwhile the old number serves. */
  function countAgain(queue: TopicQueue): void {
    queue.countedAt = Date.now()
    options.topology.count(queue.topic).then(
      (count) => {
        queue.count = count ?? queue.count
      },
      () => {},
    )
  }

  function flush(queue: TopicQueue): void {
    if (Date.now() - queue.countedAt > countAgainMs) countAgain(queue)
    for (const parcel of queue.keyed) {
      const partition = partitionFor(parcel.record.key as string, queue.count)
      partitionQueue(queue, partition).parcels.push(parcel)
    }
    queue.keyed = []
    if (queue.loose.length > 0) {
      const free = freePartition(queue)
      if (free !== undefined) {
        for (const parcel of queue.loose) free.parcels.push(parcel)
        queue.loose = []
      }
    }
    for (const at of queue.partitions.values()) if (!at.busy && at.parcels.length > 0) void drain(queue, at)
  }

  /** One that has no request under way, in turns. */
  function freePartition(queue: TopicQueue): PartitionQueue | undefined {
    for (let tried = 0; tried < queue.count; tried++) {
      const at = partitionQueue(queue, queue.nextPartition % queue.count)
      queue.nextPartition = (queue.nextPartition + 1) % queue.count
      if (!at.busy) return at
    }
    return undefined
  }

  async function drain(queue: TopicQueue, at: PartitionQueue): Promise<void> {
    at.busy = true
    let retryMs = leastRetryMs
    let mostRecords = maxBatchRecords
    while (at.parcels.length > 0) {
      const batch = takeBatch(at, mostRecords)
      if (batch.length === 0) continue
      const failure = await sendBatch(queue.topic, at.partition, batch)
      if (failure === undefined) {
        queue.failure = undefined
        retryMs = leastRetryMs
        mostRecords = maxBatchRecords
        continue
      }
      queue.failure = failure
      if (isTooLarge(failure) && batch.length > 1) {
        mostRecords = Math.ceil(batch.length / 2)
        at.parcels = [...batch, ...at.parcels]
        continue
      }
      if (isFinal(failure) || isTooLarge(failure)) {
        for (const parcel of batch) expire(parcel, asMqError(failure, 'Kafka refused it'))
        continue
      }
      at.parcels = [...batch, ...at.parcels]
      if (isUnknownTopic(failure)) {
        options.topology.forget(queue.topic)
        await options.topology.ensure(queue.topic).catch((error) => {
          queue.failure = error
          if (isFinal(error)) rejectAll(queue, error)
        })
      }
      await sleep(retryMs)
      retryMs = longer(retryMs)
    }
    at.busy = false
    // What had no key has waited for a partition to be free.
    if (queue.loose.length > 0) flush(queue)
  }

  function takeBatch(at: PartitionQueue, mostRecords: number): Parcel[] {
    const batch: Parcel[] = []
    let bytes = 0
    let taken = 0
    for (const parcel of at.parcels) {
      if (!parcel.settled) {
        bytes += parcel.bytes
        if (batch.length > 0 && (bytes > maxBatchBytes || batch.length >= mostRecords)) break
        batch.push(parcel)
      }
      taken += 1
    }
    at.parcels = taken === at.parcels.length ? [] : at.parcels.slice(taken)
    return batch
  }

  /** Undefined when it is stored. */
  async function sendBatch(topic: string, partition: number, batch: readonly Parcel[]): Promise<unknown> {
    const before = batch.map((parcel) => parcel.maybeStored)
    for (const parcel of batch) parcel.maybeStored = true
    try {
      await produce(
        options.cluster,
        { topic, partition },
        batch.map((parcel) => parcel.record),
        { compression: options.compression, timeoutMs: options.requestTimeoutMs },
      )
    } catch (error) {
      if (!isAmbiguous(error))
        batch.forEach((parcel, index) => {
          parcel.maybeStored = before[index] as boolean
        })
      return error
    }
    for (const parcel of batch) settle(parcel, stored)
    return undefined
  }

  function rejectAll(queue: TopicQueue, error: unknown): void {
    const why = asMqError(error, `The topic ${queue.topic} cannot be written to`)
    const waiting = [...queue.loose, ...queue.keyed, ...[...queue.partitions.values()].flatMap((at) => at.parcels)]
    for (const parcel of waiting) {
      if (why.code !== 'MQ_TOPIC_MISSING' || parcel.maybeStored) expire(parcel, why)
      else settle(parcel, { status: 'rejected', routed: 'unknown', error: why })
    }
    queue.loose = []
    queue.keyed = []
    for (const at of queue.partitions.values()) at.parcels = []
  }

  return {
    /**
     * Settles each record by its deadline, or soon after its caller has aborted. Without a partition, the key decides, or
     * whichever is free.
     */
    send(topic: string, records: readonly OutgoingRecord[], call: SendCall): Promise<readonly StoreOutcome[]> {
      if (closed !== undefined) return Promise.reject(closed)
      const outcomes: StoreOutcome[] = new Array(records.length)
      const expiresAt = Date.now() + call.timeoutMs
      const queue = queueFor(topic)
      let open = records.length
      return new Promise((resolve) => {
        if (open === 0) resolve(outcomes)
        records.forEach((record, index) => {
          const done = (outcome: StoreOutcome): void => {
            outcomes[index] = outcome
            open -= 1
            if (open === 0) resolve(outcomes)
          }
          const parcel = {
            queue,
            record,
            bytes: recordBytes(record),
            expiresAt,
            settle: done,
            call,
            sweeps: 0,
            maybeStored: false,
            settled: false,
          }
          accept(parcel, call.partition)
        })
      })
    },
    /** Sends what was accepted, until the deadline; then settles the rest. Takes nothing more. */
    async close(timeoutMs: number): Promise<void> {
      closed ??= new MqError('MQ_CLOSED', 'The adapter was disconnected')
      if (pending.size > 0 && timeoutMs > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.min(timeoutMs, 2 ** 31 - 1))
          idle = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
      for (const parcel of [...pending]) expire(parcel, closed)
    },
  }
}

export type Outbox = ReturnType<typeof createOutbox>

const stored: StoreOutcome = Object.freeze({ status: 'stored', routed: 'unknown' })

const statusText = {
  unknown: 'It is not known whether Kafka stored the message',
  rejected: 'Kafka did not store the message',
}

function lateText({ maybeStored, queue: { failure } }: Parcel): string {
  const why = failure === undefined ? '' : ` (${asMqError(failure, 'the last attempt').message})`
  return `${maybeStored ? 'no answer came' : 'it could not be sent'} by its deadline, or before its caller aborted${why}`
}

const longer = (retryMs: number): number => Math.min(2 * retryMs, mostRetryMs)

function hasWork(queue: TopicQueue): boolean {
  const isOpen = (parcel: Parcel): boolean => !parcel.settled
  return (
    queue.loose.some(isOpen) ||
    queue.keyed.some(isOpen) ||
    [...queue.partitions.values()].some(({ parcels }) => parcels.some(isOpen))
  )
}

function partitionQueue(queue: TopicQueue, partition: number): PartitionQueue {
  const found = queue.partitions.get(partition)
  if (found !== undefined) return found
  const made = { partition, parcels: [], busy: false }
  queue.partitions.set(partition, made)
  return made
}

import { setTimeout as sleep } from 'node:timers/promises'
import {
  backoff,
  closedError,
  giveUpParcel,
  isParcelSettled,
  type MqError,
  type OutgoingMessage,
  type PublishCall,
  type PublishLimits,
  pendingPublishes,
  type StoreOutcome,
  settleParcel,
} from '@mq/core/adapter'
import type { TopicPartition } from '../driver/cluster.js'
import { asMqError } from '../driver/errors.js'
import { partitionFor } from '../driver/protocol.js'
import { type OutgoingRecord, recordBytes } from '../driver/records/record-writer.js'
import type { Topology } from '../topology/topology.js'
import { encodeOutgoing } from '../wire/record.js'
import { lateReason, type Parcel, refusalReason } from './parcel.js'
import { type PartitionOwner, PartitionQueue, type PartitionQueueOptions } from './partition-queue.js'
import { isFinal } from './refusals.js'

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

export type Publish = (
  topic: string,
  messages: readonly OutgoingMessage[],
  call: PublishCall,
) => Promise<readonly StoreOutcome[]>

const isDelayed = ({ delayMs = 0 }: OutgoingMessage): boolean => delayMs > 0

/** Publishes messages to their topic, and those with a delay to the topic of delayed messages. */
export function createPublisher({ plan }: Topology, outbox: Outbox): Publish {
  /** Names at the broker, which take their time to be made. */
  const mainNames = new Map<string, string>()
  function mainOf(topic: string): string {
    const known = mainNames.get(topic)
    if (known !== undefined) return known
    const made = plan.main(topic)
    mainNames.set(topic, made)
    return made
  }

  return async (topic, messages, call) => {
    const send = (to: string, some: readonly OutgoingMessage[]): Promise<readonly StoreOutcome[]> =>
      outbox.send(to, some.map(encodeOutgoing), call)
    if (!messages.some(isDelayed)) return await send(mainOf(topic), messages)
    if (messages.every(isDelayed)) return await send(plan.delay(topic), messages)

    const outcomes: StoreOutcome[] = new Array(messages.length)
    const sendThose = async (to: string, isWanted: (message: OutgoingMessage) => boolean): Promise<void> => {
      const wanted = messages.map((message, index) => ({ message, index })).filter(({ message }) => isWanted(message))
      const sent = await send(
        to,
        wanted.map(({ message }) => message),
      )
      wanted.forEach(({ index }, position) => {
        outcomes[index] = sent[position] as StoreOutcome
      })
    }
    await Promise.all([
      sendThose(mainOf(topic), (message) => !isDelayed(message)),
      sendThose(plan.delay(topic), isDelayed),
    ])
    return outcomes
  }
}

export interface TopicQueueOptions extends PartitionQueueOptions {
  readonly topology: Topology
  readonly lingerMs: number
}

const retryPauses = { minMs: 50, maxMs: 1_000 }
/** The number of partitions is asked for again when it is older than this. */
const maxCountAgeMs = 60_000

/** The parcels that wait for a topic. It finds the number of partitions, creates a missing topic, and chooses partitions. */
export class TopicQueue implements PartitionOwner {
  readonly topic: string
  lastFailure: unknown
  readonly #options: TopicQueueOptions
  /** Parcels without a key go to a partition that has no request under way. */
  #unkeyed: Parcel[] = []
  /** Parcels with a key, whose partition depends on the number of partitions. */
  #keyed: Parcel[] = []
  readonly #partitions = new Map<number, PartitionQueue>()
  /** 0 until it is known. */
  #partitionCount = 0
  #countedAt = Number.NEGATIVE_INFINITY
  #isPreparing = false
  #isFlushScheduled = false
  #nextPartition = 0

  constructor(topic: string, options: TopicQueueOptions) {
    this.topic = topic
    this.#options = options
  }

  push(parcel: Parcel, partition: number | undefined): void {
    if (partition !== undefined) this.#partition(partition).push(parcel)
    else if (parcel.record.key !== null) this.#keyed.push(parcel)
    else this.#unkeyed.push(parcel)
    this.#scheduleFlush()
  }

  async recreate(): Promise<void> {
    const { topology } = this.#options
    topology.forget(this.topic)
    await topology.ensure(this.topic).catch((error) => this.#notReady(error))
  }

  #scheduleFlush(): void {
    if (this.#isFlushScheduled) return
    this.#isFlushScheduled = true
    const run = (): void => {
      this.#isFlushScheduled = false
      if (this.#partitionCount === 0) void this.#prepare()
      else this.#flush()
    }
    if (this.#options.lingerMs > 0) setTimeout(run, this.#options.lingerMs)
    else process.nextTick(run)
  }

  /** Finds the number of partitions, and creates the topic if it is missing. */
  async #prepare(): Promise<void> {
    if (this.#isPreparing) return
    this.#isPreparing = true
    const pauses = backoff(retryPauses)
    while (this.#partitionCount === 0 && this.#waiting().some((parcel) => !isParcelSettled(parcel))) {
      try {
        this.#partitionCount = await this.#options.topology.ensure(this.topic)
        this.#countedAt = performance.now()
      } catch (error) {
        this.#notReady(error)
        if (!isFinal(error)) await sleep(pauses.next())
      }
    }
    this.#isPreparing = false
    if (this.#partitionCount > 0) this.#flush()
  }

  /** Partitions may have been added. The old number serves until the new one is known. */
  #refreshPartitionCount(): void {
    this.#countedAt = performance.now()
    this.#options.topology.count(this.topic).then(
      (count) => {
        this.#partitionCount = count ?? this.#partitionCount
      },
      () => {},
    )
  }

  #flush(): void {
    if (performance.now() - this.#countedAt > maxCountAgeMs) this.#refreshPartitionCount()
    for (const parcel of this.#keyed) {
      this.#partition(partitionFor(parcel.record.key as string, this.#partitionCount)).push(parcel)
    }
    this.#keyed = []
    const free = this.#unkeyed.length > 0 ? this.#freePartition() : undefined
    if (free !== undefined) {
      for (const parcel of this.#unkeyed) free.push(parcel)
      this.#unkeyed = []
    }
    for (const partition of this.#partitions.values()) {
      if (!partition.isBusy && partition.parcels.length > 0) void this.#drain(partition)
    }
  }

  async #drain(partition: PartitionQueue): Promise<void> {
    await partition.drain()
    // Parcels without a key may wait for a free partition.
    if (this.#unkeyed.length > 0) this.#flush()
  }

  /** Partitions without a request under way take turns. */
  #freePartition(): PartitionQueue | undefined {
    for (let tried = 0; tried < this.#partitionCount; tried++) {
      const partition = this.#partition(this.#nextPartition % this.#partitionCount)
      this.#nextPartition = (this.#nextPartition + 1) % this.#partitionCount
      if (!partition.isBusy) return partition
    }
    return undefined
  }

  #partition(partition: number): PartitionQueue {
    const found = this.#partitions.get(partition)
    if (found !== undefined) return found
    const made = new PartitionQueue(partition, this, this.#options)
    this.#partitions.set(partition, made)
    return made
  }

  #waiting(): readonly Parcel[] {
    return [...this.#unkeyed, ...this.#keyed, ...[...this.#partitions.values()].flatMap(({ parcels }) => parcels)]
  }

  /** Refuses all that waits if trying again cannot help. */
  #notReady(error: unknown): void {
    this.lastFailure = error
    if (!isFinal(error)) return
    const why = asMqError(error, `The topic ${this.topic} cannot be written to`)
    for (const parcel of this.#waiting()) {
      if (why.code !== 'MQ_TOPIC_MISSING' || parcel.maybeStored) giveUpParcel(parcel, refusalReason(why))
      else settleParcel(parcel, { status: 'rejected', routed: 'unknown', error: why })
    }
    this.#unkeyed = []
    this.#keyed = []
    for (const partition of this.#partitions.values()) partition.clear()
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import {
  type BackoffPauses,
  backoff,
  giveUpParcel,
  isParcelSettled,
  type StoreOutcome,
  settleParcel,
} from '@mq/core/adapter'
import type { Cluster } from '../driver/cluster.js'
import { isUnknownTopic } from '../driver/errors.js'
import { type Compression, produce } from '../driver/requests.js'
import type { Destination, Parcel } from './parcel.js'
import { isAmbiguous, isFinal, isOfSomeRecords, isTooLarge, refusalOf } from './refusals.js'

export interface PartitionQueueOptions {
  readonly cluster: Cluster
  readonly compression: Compression
  readonly requestTimeoutMs: number
}

/** The topic of the partition. */
export interface PartitionOwner extends Destination {
  /** Called when the broker does not know the topic: creates it again. Must not reject. */
  recreate(): Promise<void>
}

/** Fits into a request of the broker's default size, with room for the rest of the request. */
const maxBatchBytes = 950 * 1024
const maxBatchRecords = 10_000
const retryPauses = { minMs: 50, maxMs: 1_000 }

const stored: StoreOutcome = Object.freeze({ status: 'stored', routed: 'unknown' })

/** The parcels that wait for a partition. They are sent in order, in batches, with one request at a time. */
export class PartitionQueue {
  readonly #partition: number
  readonly #owner: PartitionOwner
  readonly #options: PartitionQueueOptions
  #parcels: Parcel[] = []
  #isBusy = false

  constructor(partition: number, owner: PartitionOwner, options: PartitionQueueOptions) {
    this.#partition = partition
    this.#owner = owner
    this.#options = options
  }

  /** A request is under way, or soon tried again. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  get parcels(): readonly Parcel[] {
    return this.#parcels
  }

  push(parcel: Parcel): void {
    this.#parcels.push(parcel)
  }

  clear(): void {
    this.#parcels = []
  }

  /** Sends until nothing waits. Tries again what fails, until its time is over. */
  async drain(): Promise<void> {
    this.#isBusy = true
    let pauses: BackoffPauses | undefined
    let maxRecords = maxBatchRecords
    while (this.#parcels.length > 0) {
      const batch = this.#takeBatch(maxRecords)
      if (batch.length === 0) continue
      const failure = await this.#send(batch)
      this.#owner.lastFailure = failure
      if (failure === undefined) {
        pauses = undefined
        maxRecords = maxBatchRecords
      } else if (isOfSomeRecords(failure) && batch.length > 1) {
        maxRecords = Math.ceil(batch.length / 2)
        this.#putBack(batch)
      } else if (isFinal(failure) || isTooLarge(failure)) {
        for (const parcel of batch) giveUpParcel(parcel, refusalOf(failure, parcel.record))
      } else {
        this.#putBack(batch)
        if (isUnknownTopic(failure)) await this.#owner.recreate()
        pauses ??= backoff(retryPauses)
        await sleep(pauses.next())
      }
    }
    this.#isBusy = false
  }

  #takeBatch(maxRecords: number): Parcel[] {
    const batch: Parcel[] = []
    let bytes = 0
    let taken = 0
    for (const parcel of this.#parcels) {
      if (!isParcelSettled(parcel)) {
        bytes += parcel.bytes
        if (batch.length > 0 && (bytes > maxBatchBytes || batch.length >= maxRecords)) break
        batch.push(parcel)
      }
      taken += 1
    }
    this.#parcels = taken === this.#parcels.length ? [] : this.#parcels.slice(taken)
    return batch
  }

  #putBack(batch: readonly Parcel[]): void {
    this.#parcels = [...batch, ...this.#parcels]
  }

  /** Resolves with the failure, or with undefined if the batch is stored. */
  async #send(batch: readonly Parcel[]): Promise<unknown> {
    const before = batch.map((parcel) => parcel.maybeStored)
    for (const parcel of batch) parcel.maybeStored = true
    const { cluster, compression, requestTimeoutMs } = this.#options
    try {
      await produce(
        cluster,
        { topic: this.#owner.topic, partition: this.#partition },
        batch.map((parcel) => parcel.record),
        { compression, timeoutMs: requestTimeoutMs },
      )
    } catch (error) {
      if (!isAmbiguous(error))
        batch.forEach((parcel, index) => {
          parcel.maybeStored = before[index] as boolean
        })
      return error
    }
    for (const parcel of batch) settleParcel(parcel, stored)
    return undefined
  }
}

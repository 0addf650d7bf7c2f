import { setTimeout as sleep } from 'node:timers/promises'
import { giveUpParcel, isParcelSettled } from '@mq/core/adapter'
import { type StatementError, statementError, willPass } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import { type Batch, type BatchSenderParts, batchSender, type Parcel, planBatch } from './batch.js'
import type { BlockedReporter } from './blocked.js'

/** While the database works on one batch, the next one is prepared. */
const maxBatchesInFlight = 2
const minPauseMs = 20
const maxPauseMs = 1_000

export interface OutboxParts extends BatchSenderParts {
  readonly blocked: BlockedReporter
  /** Called whenever nothing waits and nothing is in flight. */
  readonly onEmpty: () => void
}

/**
 * The messages of one topic that wait to be sent. They are sent in order, in statements of many messages each. With `dedupeMs`, sending one
 * again is harmless, because the database knows the ids.
 */
// See docs/decisions/0048-postgres-publishing.md.
export class Outbox {
  readonly #parts: OutboxParts
  readonly #link: Link
  readonly #send: (parcels: readonly Parcel[]) => Promise<void>
  readonly #inFlight = new Set<Batch>()
  #waiting: Parcel[] = []
  #failed: { readonly batch: Batch; readonly error: StatementError }[] = []
  #pauseMs = 0
  #isPlanned = false
  #isClosed = false

  constructor(parts: OutboxParts) {
    this.#parts = parts
    this.#link = parts.link
    this.#send = batchSender(parts)
  }

  add(parcel: Parcel): void {
    this.#waiting.push(parcel)
    this.#plan()
  }

  /** Drops the messages that were given up. */
  forgetSettled(): void {
    this.#waiting = this.#waiting.filter((parcel) => !isParcelSettled(parcel))
  }

  /** Sends nothing from now on. */
  close(): void {
    this.#isClosed = true
  }

  /** Sends after this turn of the event loop, together with everything else that is published in it. */
  #plan(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    setImmediate(() => this.#pump())
  }

  #pump(): void {
    this.#isPlanned = false
    while (
      !this.#isClosed &&
      this.#waiting.length > 0 &&
      this.#failed.length === 0 &&
      this.#inFlight.size < maxBatchesInFlight
    ) {
      if (!this.#link.isUp) return void this.#resumeWhenUp()
      const batch = this.#nextBatch()
      if (batch === undefined) return
      if (batch.parcels.length > 0) void this.#sendBatch(batch)
    }
    if (this.#waiting.length === 0 && this.#inFlight.size === 0 && this.#failed.length === 0) this.#parts.onEmpty()
  }

  async #resumeWhenUp(): Promise<void> {
    this.#isPlanned = true
    await this.#link.whenUp(maxPauseMs)
    // A closed link never comes up. The messages that are left get their outcomes when their time is over.
    if (!this.#link.isClosed) this.#pump()
  }

  /** Returns undefined if the first message has to wait for another of its key, which the database may still refuse. */
  #nextBatch(): Batch | undefined {
    let underWay = this.#waiting.length
    for (const { parcels } of this.#inFlight) underWay += parcels.length
    const { count, keys } = planBatch(this.#waiting, { underWay, isKeyInFlight: (key) => this.#isKeyInFlight(key) })
    if (count === 0) return undefined
    return { parcels: this.#waiting.splice(0, count).filter((parcel) => !isParcelSettled(parcel)), keys }
  }

  #isKeyInFlight(key: string): boolean {
    for (const { keys } of this.#inFlight) if (keys.has(key)) return true
    return false
  }

  async #sendBatch(batch: Batch): Promise<void> {
    this.#inFlight.add(batch)
    try {
      await this.#send(batch.parcels)
      this.#parts.blocked.noteStored()
    } catch (error) {
      this.#failed.push({ batch, error: statementError(error) })
    }
    this.#inFlight.delete(batch)
    if (this.#failed.length === 0) {
      this.#pauseMs = 0
      this.#plan()
    } else if (this.#inFlight.size === 0) void this.#recover()
  }

  /** Puts messages that have to be sent again back in their places. */
  async #recover(): Promise<void> {
    for (const { batch, error } of this.#failed) {
      this.#parts.blocked.noteError(error)
      this.#giveUpIfHopeless(batch.parcels, error)
    }
    const unsettled = this.#failed.flatMap(({ batch }) => batch.parcels).filter((parcel) => !isParcelSettled(parcel))
    this.#waiting = [...unsettled, ...this.#waiting].sort((a, b) => a.number - b.number)
    this.#pauseMs = unsettled.length === 0 ? 0 : Math.min(maxPauseMs, Math.max(minPauseMs, 2 * this.#pauseMs))
    if (this.#pauseMs > 0) await sleep(this.#pauseMs)
    this.#failed = []
    this.#plan()
  }

  #giveUpIfHopeless(parcels: readonly Parcel[], error: StatementError): void {
    if (error.kind === 'unsent') return
    if (error.kind === 'unanswered') {
      if (this.#parts.settings.dedupeMs > 0) return
      for (const parcel of parcels) giveUpParcel(parcel, { why: error.message, cause: error })
    } else if (!willPass(error)) {
      for (const parcel of parcels)
        giveUpParcel(parcel, { why: `PostgreSQL refused it: ${error.message}`, cause: error })
    }
  }
}

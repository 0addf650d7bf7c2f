import { setTimeout as sleep } from 'node:timers/promises'
import { giveUpParcel, isParcelSettled } from '@mq/core/adapter'
import { type CommandError, commandError, isOutOfMemory, willPass } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import type { Settings } from '../options.js'
import { topicKeys } from '../wire/keys.js'
import { trimScript } from '../wire/scripts/tidy.js'
import { type Batch, batchSender, type Parcel, planBatch } from './batch.js'

/** While the broker works on one batch, the next one is prepared. */
const maxBatchesInFlight = 2
const minPauseMs = 20
const maxPauseMs = 1_000

export interface OutboxParts {
  readonly topic: string
  readonly settings: Settings
  readonly link: Link
  /** Called whenever nothing waits and nothing is in flight. */
  readonly onEmpty: () => void
}

/**
 * The messages of one topic that wait to be sent. They are sent in order, in scripts of many messages each. Sending one again is
 * harmless, because the broker knows the ids.
 */
// See docs/decisions/0042-redis-publish-batches.md.
export class Outbox {
  readonly #settings: Settings
  readonly #link: Link
  readonly #onEmpty: () => void
  readonly #trimKeys: readonly string[]
  readonly #send: (parcels: readonly Parcel[]) => Promise<void>
  readonly #inFlight = new Set<Batch>()
  #waiting: Parcel[] = []
  #failed: { readonly batch: Batch; readonly error: CommandError }[] = []
  #pauseMs = 0
  #isPlanned = false
  #isClosed = false

  constructor({ topic, settings, link, onEmpty }: OutboxParts) {
    const keys = topicKeys(settings.prefix, topic)
    this.#settings = settings
    this.#link = link
    this.#onEmpty = onEmpty
    this.#trimKeys = [keys.stream, keys.groups]
    this.#send = batchSender({ settings, keys, link })
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
    if (this.#waiting.length === 0 && this.#inFlight.size === 0 && this.#failed.length === 0) this.#onEmpty()
  }

  async #resumeWhenUp(): Promise<void> {
    this.#isPlanned = true
    await this.#link.whenUp(maxPauseMs)
    // A closed link never comes up. The messages that are left get their outcomes when their time is over.
    if (!this.#link.isClosed) this.#pump()
  }

  /** Returns undefined if the first message has to wait for another of its key, which the broker may still refuse. */
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
    } catch (error) {
      this.#failed.push({ batch, error: commandError(error) })
    }
    this.#inFlight.delete(batch)
    if (this.#failed.length === 0) {
      this.#pauseMs = 0
      this.#plan()
    } else if (this.#inFlight.size === 0) void this.#recover()
  }

  /** Puts messages that have to be sent again back in their places. */
  async #recover(): Promise<void> {
    const isFull = this.#pauseMs === 0 && this.#failed.some(({ error }) => isOutOfMemory(error))
    // Messages that are kept only for future groups give way to those that somebody publishes now.
    const freed = isFull ? Number(await this.#link.run(trimScript, this.#trimKeys, [0]).catch(() => 0)) : 0
    for (const { batch, error } of this.#failed) {
      if (freed > 0 && isOutOfMemory(error)) continue
      this.#giveUpIfHopeless(batch.parcels, error)
    }
    const unsettled = this.#failed.flatMap(({ batch }) => batch.parcels).filter((parcel) => !isParcelSettled(parcel))
    this.#waiting = [...unsettled, ...this.#waiting].sort((a, b) => a.number - b.number)
    this.#pauseMs = unsettled.length === 0 ? 0 : Math.min(maxPauseMs, Math.max(minPauseMs, 2 * this.#pauseMs))
    if (this.#pauseMs > 0) await sleep(this.#pauseMs)
    this.#failed = []
    this.#plan()
  }

  #giveUpIfHopeless(parcels: readonly Parcel[], error: CommandError): void {
    if (error.kind === 'unanswered') {
      if (this.#settings.dedupeMs > 0) return
      for (const parcel of parcels) giveUpParcel(parcel, { why: error.message, cause: error })
    } else if (!willPass(error)) {
      for (const parcel of parcels) giveUpParcel(parcel, { why: `Redis refused it: ${error.message}`, cause: error })
    }
  }
}

import { systemClock } from '@mq/core/adapter'
import { heldMs, tiersMs } from '../topology/tiers.js'
import type { Entry } from './entry.js'
import type { Handlers } from './handlers.js'
import type { ReadyQueue } from './ready-queue.js'
import type { Settler } from './settler.js'

/**
 * Holds entries back until they are due, or until they go on to the partition that fits the rest of their time.
 *
 * See docs/decisions/0021-kafka-delays-by-partitions.md.
 */
export class Delays {
  readonly #isEphemeral: boolean
  readonly #queue: ReadyQueue
  readonly #handlers: Handlers
  readonly #settler: Settler
  /** The entries that are being written to another partition, until that has ended. */
  readonly #moves = new WeakMap<Entry, Promise<boolean>>()

  constructor(
    { ephemeral }: { readonly ephemeral: boolean },
    parts: { readonly queue: ReadyQueue; readonly handlers: Handlers; readonly settler: Settler },
  ) {
    this.#isEphemeral = ephemeral
    this.#queue = parts.queue
    this.#handlers = parts.handlers
    this.#settler = parts.settler
  }

  /** Takes an entry that may be handled from `dueMs` on. */
  hold(entry: Entry, dueMs: number): void {
    const now = Date.now()
    if (dueMs <= now) {
      this.#queue.enter(entry)
      return
    }
    const { tracker, record } = entry
    const timestampMs = Math.min(record?.timestampMs ?? now, now)
    const tierMs = tracker.kind === 'retry' ? (tiersMs[tracker.partition] ?? 0) : 0
    const staysHere = dueMs - now <= heldMs || this.#isEphemeral || (tracker.kind === 'retry' && tierMs === 0)
    if (staysHere) this.#at(entry, dueMs, () => this.#queue.enter(entry))
    else this.#at(entry, Math.min(dueMs, timestampMs + tierMs), () => this.#goOn(entry, dueMs))
  }

  /** Passes on a record that has waited as long as its partition holds records back. */
  #goOn(entry: Entry, dueMs: number): void {
    if (dueMs - Date.now() <= heldMs) {
      this.#at(entry, dueMs, () => this.#queue.enter(entry))
      return
    }
    void this.#move(entry, (moving) => this.#settler.forward(moving))
  }

  /** Returns whether an entry waits for its time. */
  isHeld({ state, cancelTimer }: Entry): boolean {
    return state === 'waiting' && cancelTimer !== undefined
  }

  /** Makes an entry ready that waits for its time. Resolves with false if the consumer has lost it before. */
  hurry(entry: Entry): Promise<boolean> {
    entry.cancelTimer?.()
    entry.cancelTimer = undefined
    return this.#move(entry, (moving) => this.#settler.hurry(moving))
  }

  /** Resolves when an entry is no longer being written to another partition. */
  async moved(entry: Entry): Promise<void> {
    await this.#moves.get(entry)
  }

  #move(entry: Entry, write: (entry: Entry) => Promise<boolean>): Promise<boolean> {
    entry.tracker.states.forward(entry)
    const moving = write(entry).then((isDone) => {
      this.#handlers.end(entry, isDone ? 'done' : 'void')
      return isDone
    })
    this.#moves.set(entry, moving)
    return moving
  }

  #at(entry: Entry, timeMs: number, then: () => void): void {
    const delayMs = timeMs - Date.now()
    if (delayMs <= 0) {
      then()
      return
    }
    const timer = systemClock.setTimeout(() => {
      entry.cancelTimer = undefined
      then()
      this.#handlers.startReady()
    }, delayMs)
    entry.cancelTimer = () => timer.cancel()
  }
}

import type { GroupPause } from '@mq/core/adapter'
import { CommandError, isGroupMissing } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import type { GroupPlace } from '../wire/keys.js'
import { decodeMark } from '../wire/pause-mark.js'
import { enterScript, readScript } from '../wire/scripts/pause.js'

export interface GateParts {
  readonly place: GroupPlace
  readonly link: Link
  readonly ordered: boolean
}

/**
 * Says how a consumer may read its group: not at all while the group is paused, and only by scripts while the group has to skip messages.
 *
 * A plain read names the gate beside the stream. Redis refuses the whole read while the gate is closed, so nobody reads by plain commands
 * from the moment in which another process has closed it. A closed gate is no fault: the consumer asks why.
 */
// See docs/decisions/0045-redis-gate.md.
export class Gate {
  /** The mark of the group, as far as is known. Only the gate itself writes its fields. They are read for each message. */
  paused: GroupPause | undefined
  /** Whether the consumer knows how its group may be read. */
  isKnown = false
  /** Whether plain reads are allowed, as far as is known. */
  isOpen = false
  readonly #parts: GateParts

  constructor(parts: GateParts) {
    this.#parts = parts
  }

  /** Makes the consumer ask again. */
  forget(): void {
    this.isKnown = false
    this.isOpen = false
  }

  notePaused(mark: unknown): void {
    this.isKnown = true
    this.isOpen = false
    this.paused = decodeMark(String(mark))
  }

  /** Asks how the group may be read. Rejects with a `CommandError`, also if the group is gone. */
  async ask(): Promise<void> {
    const { place, link, ordered } = this.#parts
    const args = [place.consumerGroup, ordered ? 0 : 1]
    const [state, mark] = (await link.run(enterScript, this.#keys, args)) as readonly [number, unknown?]
    if (state === 0) return this.notePaused(mark)
    this.isKnown = true
    this.isOpen = state === 1
    this.paused = undefined
  }

  /** Makes the consumer ask if a plain read has found the gate closed. Throws any other error again. */
  onRefused(error: unknown): void {
    if (!(error instanceof CommandError) || !isGroupMissing(error)) throw error
    // The stream or its group may be gone, too. Asking tells.
    this.forget()
  }

  /**
   * Reads past messages that the group has to skip. Returns rows as scripts do, and whether there may be more. Rejects with a
   * `CommandError`.
   */
  async readSkipping(consumer: string, count: number): Promise<{ rows: readonly unknown[]; isFull: boolean }> {
    const { place, link } = this.#parts
    const args = [place.consumerGroup, consumer, count]
    const [state, more, ...rows] = (await link.run(readScript, this.#keys, args)) as readonly unknown[]
    if (state === 0) {
      this.notePaused(more)
      return { rows: [], isFull: false }
    }
    this.isOpen = state === 1
    return { rows, isFull: more === 1 }
  }

  get #keys(): readonly string[] {
    const { stream, gate, paused, skipped } = this.#parts.place.keys
    return [stream, gate, paused, skipped]
  }
}

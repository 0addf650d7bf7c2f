import { nameOf, type TopicPartition } from '../cluster.js'
import type { Loss, MemberListener } from './member.js'

/** The partitions that a member owns. One call that changes them is under way at a time. */
export class Holdings {
  readonly #listener: Pick<MemberListener, 'assigned' | 'revoked' | 'lost'>
  #owned: readonly TopicPartition[] = []
  /** The member has got these, and its listener does not work for them yet. */
  #taking: readonly TopicPartition[] = []
  #loss: Loss | undefined
  #losses = 0

  constructor(listener: Pick<MemberListener, 'assigned' | 'revoked' | 'lost'>) {
    this.#listener = listener
  }

  get owned(): readonly TopicPartition[] {
    return this.#owned
  }

  /** Nobody else may have these: what the member owns, also while it releases it, and what it takes. */
  get claimed(): readonly TopicPartition[] {
    return [...this.#owned, ...this.#taking]
  }

  /** Resolves when the member owns these, or has lost them in the meantime. */
  async take(partitions: readonly TopicPartition[]): Promise<void> {
    const losses = this.#losses
    this.#taking = partitions
    try {
      await this.#listener.assigned(partitions)
    } finally {
      this.#taking = []
    }
    if (this.#loss !== undefined && losses !== this.#losses) this.#listener.lost(partitions, this.#loss)
    else this.#owned = [...this.#owned, ...partitions]
  }

  /** Resolves when the member's work for these has ended. */
  async release(partitions: readonly TopicPartition[]): Promise<void> {
    await this.#listener.revoked(partitions)
    this.#owned = without(this.#owned, partitions)
  }

  lose(loss: Loss): void {
    const owned = this.#owned
    this.#owned = []
    this.#loss = loss
    this.#losses += 1
    if (owned.length > 0) this.#listener.lost(owned, loss)
  }
}

/** Returns those of some partitions that are not among others. */
export function without(some: readonly TopicPartition[], others: readonly TopicPartition[]): readonly TopicPartition[] {
  const names = new Set(others.map(nameOf))
  return some.filter((at) => !names.has(nameOf(at)))
}

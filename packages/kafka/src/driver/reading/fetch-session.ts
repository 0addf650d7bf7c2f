import type { TopicPartition } from '../cluster.js'
import type { FetchRequest, SessionStep } from '../requests.js'
import type { Position } from './position.js'

/** The changes that a request tells the broker. */
export type SessionChanges = Pick<FetchRequest, 'wanted' | 'forgotten'>

/** How many requests the broker counts in a session before it begins again at 1. */
const lastEpoch = 0x7fffffff

/**
 * A fetch session (KIP-227). The broker remembers which partitions are wanted and from where, so that a request names only those that
 * have changed, and an answer only those that have something new. A broker may keep no session: then each request names all.
 */
export class FetchSession {
  #step: SessionStep = { id: 0, epoch: 0 }

  /** True if the next request has to name all partitions. */
  get isNew(): boolean {
    return this.#step.id === 0
  }

  get step(): SessionStep {
    return this.#step
  }

  /** Takes note of an answer. */
  answered(id: number): void {
    if (id === 0) this.reset()
    else this.#step = { id, epoch: this.#step.epoch === lastEpoch ? 1 : this.#step.epoch + 1 }
  }

  /** Begins a new session, because it is not known what the broker remembers. */
  reset(): void {
    this.#step = { id: 0, epoch: 0 }
  }
}

/** One partition in a lane, with the positions of all readers that want it. */
export class Slot implements TopicPartition {
  readonly name: string
  readonly topic: string
  readonly partition: number
  readonly positions = new Set<Position>()
  /** The offset that the broker was asked for, as far as it remembers. */
  sent: number | undefined
  /** The positions that the last request asked for. All of them were at `sent`. */
  asked: readonly Position[] = []

  constructor({ name, topic, partition }: Position) {
    this.name = name
    this.topic = topic
    this.partition = partition
  }

  /** Returns whether none of its positions is at another offset. */
  fits({ from }: Pick<Position, 'from'>): boolean {
    for (const position of this.positions) if (!position.isPaused && position.from !== from) return false
    return true
  }

  /**
   * Chooses the positions to ask for. A request names one offset of a partition, so those at several offsets take turns. Returns false
   * if some have to wait for theirs.
   */
  choose(request: number): boolean {
    const readable = [...this.positions].filter(({ isPaused }) => !isPaused)
    const first = readable.reduce<Position | undefined>(
      (oldest, one) => (oldest === undefined || one.askedIn < oldest.askedIn ? one : oldest),
      undefined,
    )
    this.asked = readable.filter(({ from }) => from === first?.from)
    for (const position of this.asked) position.askedIn = request
    return this.asked.length === readable.length
  }
}

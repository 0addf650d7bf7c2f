import type { TopicPartition } from '../cluster.js'
import type { Position } from './position.js'

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

import { nameOf, type TopicPartition } from '../cluster.js'
import type { PartitionRead } from '../requests.js'
import type { Position, ReadKind } from './position.js'

/** `position` is where the reader was, `start` the first offset that is there. */
export interface Gap {
  readonly position: number
  readonly start: number
}

export interface RecordSink {
  /** Takes records, in the order of their offsets. To get no more of them, it pauses the feed before it returns. */
  take(read: PartitionRead): void
}

/** Receives everything about reading except the records. */
export interface ReadListener {
  /** The partition no longer has the position; reading goes on at `start`. */
  gap(at: TopicPartition, gap: Gap): void
  /** A topic was deleted and created again. Its partitions are no longer read, until they are added again. */
  replaced(topic: string, identity: string): void
  /** A topic does not exist any more. Called again until the topic exists, or none of its partitions is read. */
  missing(topic: string): void
  /** A batch of new messages cannot be read before a codec is installed. Its record is a dead letter. */
  missingCodec(read: PartitionRead): void
  /** Reading fails, and is tried again until it works. Called once until then. */
  failing(error: unknown): void
}

/** The reading of one partition. */
export interface Feed {
  /** See `Cluster.identityOf`. Undefined until it is known. */
  readonly identity?: string | undefined
  pause(): void
  resume(): void
  /** Ends it. No records come after that, also not those that are on their way. */
  close(): void
}

export interface ReaderOptions {
  readonly kindOf: (topic: string) => ReadKind
  readonly sink: RecordSink
  readonly listener: ReadListener
}

/** Finds a lane for each position. */
interface Placing {
  place(position: Position): void
  ended(reader: Reader): void
}

/** The partitions that one subscription reads. */
export class Reader {
  readonly sink: RecordSink
  readonly listener: ReadListener
  readonly positions = new Map<string, Position>()
  readonly #kindOf: (topic: string) => ReadKind
  readonly #placing: Placing
  #isFailing = false
  #isStopped = false

  constructor({ kindOf, sink, listener }: ReaderOptions, placing: Placing) {
    this.#kindOf = kindOf
    this.sink = sink
    this.listener = listener
    this.#placing = placing
  }

  get isFailing(): boolean {
    return this.#isFailing
  }

  /** `identity` is that of the topic that `from` belongs to. Default: the topic that is there. */
  add({ topic, partition }: TopicPartition, from: number, identity?: string): Feed {
    const name = nameOf({ topic, partition })
    const before = this.positions.get(name)
    if (before !== undefined) this.remove(before)
    const position: Position = {
      topic,
      partition,
      name,
      reader: this,
      kind: this.#kindOf(topic),
      from,
      isPaused: false,
      isClosed: this.#isStopped,
      identity,
      isFailing: false,
      lane: undefined,
      activeAt: performance.now(),
      askedIn: 0,
      pause() {
        position.isPaused = true
        position.lane?.paused(position)
      },
      resume: () => this.#resume(position),
      close: () => this.remove(position),
    }
    if (!position.isClosed) {
      this.positions.set(name, position)
      this.#placing.place(position)
    }
    return position
  }

  remove(position: Position): void {
    if (position.isClosed) return
    position.isClosed = true
    position.lane?.remove(position)
    if (this.positions.get(position.name) === position) this.positions.delete(position.name)
    // A partition that is no longer read cannot fail. Its topic was deleted, or another member has it.
    if (position.isFailing) this.checkRecovery()
  }

  stop(): void {
    this.#isStopped = true
    for (const position of [...this.positions.values()]) this.remove(position)
    this.#placing.ended(this)
  }

  failed(error: unknown): void {
    if (this.#isStopped || this.#isFailing) return
    this.#isFailing = true
    this.listener.failing(error)
  }

  /** One partition that can be read says nothing about another. */
  checkRecovery(): void {
    if (!this.#isFailing) return
    for (const { isPaused, isFailing } of this.positions.values()) if (!isPaused && isFailing) return
    this.#isFailing = false
  }

  /** Ends the reading of a topic that was deleted, whose place another one has taken. */
  replaced(topic: string, identity: string): void {
    const old = [...this.positions.values()].filter((one) => one.topic === topic && one.identity !== identity)
    // Others of its topic may have been removed together with it.
    if (old.length === 0) return
    for (const position of old) this.remove(position)
    this.listener.replaced(topic, identity)
  }

  #resume(position: Position): void {
    position.isPaused = false
    if (position.isClosed || position.lane === undefined || position.lane.resumed(position)) return
    position.lane.remove(position)
    this.#placing.place(position)
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import { type Cluster, nameOf, type TopicPartition } from './cluster.js'
import { errorType, isStaleLeader } from './errors.js'
import { logStart } from './offsets.js'
import { unreadableError } from './records/record-batch.js'
import { fetch, type PartitionRead } from './requests.js'

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
export interface FetchListener {
  /** The partition no longer has the position; reading goes on at `start`. */
  gap(at: TopicPartition, gap: Gap): void
  /** A topic was deleted and created again. Its partitions are no longer read, until they are added again. */
  replaced(topic: string, identity: string): void
  /** A topic does not exist any more. Called again until the topic exists, or none of its partitions is read. */
  missing(topic: string): void
  /** True for a topic that is not read past a batch whose codec is missing. */
  isControl(topic: string): boolean
  /** A batch of another topic cannot be read before a codec is installed. Its record is a dead letter. */
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

interface Position extends TopicPartition {
  /** The offset to read next. */
  from: number
  paused: boolean
  /** The time before which the partition is not asked for, because an error concerned it alone. */
  notBefore: number
  /** The topic that `from` belongs to. */
  identity: string | undefined
  /** The last attempt to read it failed. */
  failing: boolean
}

/** While a partition is paused, the others are asked for in short turns. So it need not wait for them once it is resumed. */
const shortWaitMs = 50
const longWaitMs = 500
const errorPauseMs = 200
const codecPauseMs = 2_000
/** Brokers close a connection that is idle for some minutes, and only one of kafkajs's two per broker is used for reading. */
const pingEveryMs = 60_000
const refreshEveryMs = 5_000
/** An answer is decoded in one go while handlers wait, so it is kept small. A larger batch comes whole. */
const limits = { maxBytes: 10 * 1024 * 1024, maxPartitionBytes: 256 * 1024 }

/**
 * Reads partitions from their leaders, with one request at a time to each broker.
 *
 * See docs/decisions/0024-kafka-reads-from-leaders.md.
 */
export class Fetcher {
  readonly #cluster: Cluster
  readonly #sink: RecordSink
  readonly #listener: FetchListener
  readonly #positions = new Map<string, Position>()
  /** The brokers that a loop reads from. */
  readonly #loops = new Set<number>()
  readonly #pingedAt = new Map<number, number>()
  #refreshedAt = performance.now()
  #planning = false
  #planAgain = false
  #failing = false
  #stopped = false

  constructor(cluster: Cluster, sink: RecordSink, listener: FetchListener) {
    this.#cluster = cluster
    this.#sink = sink
    this.#listener = listener
  }

  get isFailing(): boolean {
    return this.#failing
  }

  /** `identity` is that of the topic that `from` belongs to. Default: the topic that is there. */
  add({ topic, partition }: TopicPartition, from: number, identity?: string): Feed {
    const name = nameOf({ topic, partition })
    const position: Position = { topic, partition, from, paused: false, notBefore: 0, identity, failing: false }
    this.#positions.set(name, position)
    void this.#plan()
    return {
      get identity() {
        return position.identity
      },
      pause: () => {
        position.paused = true
      },
      resume: () => {
        position.paused = false
        void this.#plan()
      },
      close: () => {
        if (this.#positions.get(name) === position) this.#positions.delete(name)
      },
    }
  }

  stop(): void {
    this.#stopped = true
    this.#positions.clear()
  }

  /** Starts a loop for each broker that leads something and has none. */
  async #plan(): Promise<void> {
    this.#planAgain = true
    if (this.#planning) return
    this.#planning = true
    while (this.#planAgain && !this.#stopped) {
      this.#planAgain = false
      const { leaders, failure } = await this.#byLeader()
      for (const leader of leaders.keys()) this.#startLoop(leader)
      if (failure === undefined) continue
      this.#failed(failure)
      this.#planAgain = true
      await sleep(errorPauseMs)
    }
    this.#planning = false
  }

  /** Groups the positions to be read by leader. A partition without a leader holds up no other. */
  async #byLeader(): Promise<{ readonly leaders: Map<number, Position[]>; readonly failure?: unknown }> {
    const leaders = new Map<number, Position[]>()
    let failure: unknown
    for (const position of [...this.#positions.values()]) {
      if (position.paused) continue
      try {
        const partitions = await this.#cluster.partitionsOf(position.topic)
        if (partitions === undefined) this.#listener.missing(position.topic)
        const leader = partitions?.find(({ partition }) => partition === position.partition)?.leader ?? -1
        if (leader < 0) throw new Error(`${nameOf(position)} has no leader`)
        if (this.#isReplaced(position)) continue
        leaders.set(leader, [...(leaders.get(leader) ?? []), position])
      } catch (error) {
        this.#cluster.forget(position.topic)
        position.failing = true
        failure = error
      }
    }
    return { leaders, failure }
  }

  #isReplaced(position: Position): boolean {
    const { topic } = position
    const identity = this.#cluster.identityOf(topic)
    position.identity ??= identity
    if (identity === undefined || position.identity === identity) return false
    // Others of its topic may have been removed together with it.
    if (this.#positions.get(nameOf(position)) !== position) return true
    for (const [name, one] of this.#positions) {
      if (one.topic === topic && one.identity !== identity) this.#positions.delete(name)
    }
    this.#listener.replaced(topic, identity)
    return true
  }

  /** No error says that a topic was replaced while nothing of it was being read. */
  #refresh(): void {
    if (performance.now() - this.#refreshedAt < refreshEveryMs) return
    this.#refreshedAt = performance.now()
    const topics = new Set([...this.#positions.values()].map(({ topic }) => topic))
    this.#cluster.allPartitions([...topics], { fresh: true }).catch(() => {})
  }

  #startLoop(leader: number): void {
    if (this.#loops.has(leader)) return
    this.#loops.add(leader)
    void this.#loop(leader).finally(() => {
      this.#loops.delete(leader)
      // Partitions may have been resumed while the last request was under way.
      if ([...this.#positions.values()].some(({ paused }) => !paused)) void this.#plan()
    })
  }

  async #loop(leader: number): Promise<void> {
    while (!this.#stopped) {
      let positions: readonly Position[] = []
      try {
        const { leaders, failure } = await this.#byLeader()
        positions = leaders.get(leader) ?? []
        if (failure !== undefined) void this.#plan()
        if (positions.length === 0) return
        const now = performance.now()
        const ready = positions.filter(({ notBefore }) => notBefore <= now)
        if (ready.length === 0) await sleep(errorPauseMs / 4)
        else await this.#fetch(leader, ready)
      } catch (error) {
        if (this.#stopped) return
        for (const position of positions) position.failing = true
        this.#failed(error)
        for (const { topic } of this.#positions.values()) this.#cluster.forget(topic)
        await sleep(errorPauseMs)
      }
    }
  }

  async #fetch(leader: number, positions: readonly Position[]): Promise<void> {
    this.#refresh()
    const broker = await this.#cluster.node(leader)
    if (performance.now() - (this.#pingedAt.get(leader) ?? Number.NEGATIVE_INFINITY) > pingEveryMs) {
      this.#pingedAt.set(leader, performance.now())
      await this.#cluster.request(broker, () => broker.apiVersions())
    }
    const maxWaitMs = positions.length < this.#positions.size ? shortWaitMs : longWaitMs
    const asked = new Map(positions.map((position) => [nameOf(position), { position, from: position.from }]))
    const answer = await fetch(this.#cluster, broker, positions, { ...limits, maxWaitMs })
    if (this.#stopped) return
    let failure: unknown
    for (const read of answer) {
      const entry = asked.get(nameOf(read))
      // Its feed was closed in the meantime, and another one may have been opened.
      if (entry === undefined || this.#positions.get(nameOf(read)) !== entry.position) continue
      // A later leader was read in the meantime.
      if (entry.position.from !== entry.from) continue
      entry.position.failing = false
      if (read.error !== undefined) {
        if (!(await this.#recover(entry.position, read.error))) failure ??= read.error
        continue
      }
      if (read.nextOffset === undefined || entry.position.paused) continue
      if (read.missingCodec !== undefined) {
        if (this.#listener.isControl(read.topic)) {
          failure ??= this.#stopAt(entry.position, read, read.missingCodec)
          continue
        }
        this.#listener.missingCodec(read)
      }
      entry.position.from = read.nextOffset
      this.#sink.take(read)
    }
    if (failure !== undefined) this.#failed(failure)
    // One partition that can be read says nothing about another.
    else if ([...this.#positions.values()].every(({ paused, failing }) => paused || !failing)) this.#failing = false
  }

  /** Returns true if reading goes on by itself. */
  async #recover(position: Position, error: Error): Promise<boolean> {
    if (errorType(error) === 'OFFSET_OUT_OF_RANGE') {
      const start = await logStart(this.#cluster, position)
      if (this.#positions.get(nameOf(position)) !== position) return true
      const gap = { position: position.from, start }
      position.from = start
      this.#listener.gap(position, gap)
      return true
    }
    position.failing = true
    position.notBefore = performance.now() + errorPauseMs
    if (isStaleLeader(error)) this.#cluster.forget(position.topic)
    return false
  }

  /** Takes the records before one whose codec is missing. Returns the error, which lasts until there is a codec. */
  #stopAt(
    position: Position,
    read: PartitionRead,
    { offset, cause }: NonNullable<PartitionRead['missingCodec']>,
  ): Error {
    position.failing = true
    position.notBefore = performance.now() + codecPauseMs
    if (offset > position.from) {
      position.from = offset
      const records = read.records.filter((record) => record.offset < offset)
      this.#sink.take({ ...read, records, nextOffset: offset })
    }
    return unreadableError(position.topic, { offset, cause })
  }

  #failed(error: unknown): void {
    if (this.#stopped || this.#failing) return
    this.#failing = true
    this.#listener.failing(error)
  }
}

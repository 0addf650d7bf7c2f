import type { Cluster } from '../cluster.js'
import { logStart } from '../offsets.js'
import { errorPauseMs, Lane, type LaneOwner } from './lane.js'
import type { Position } from './position.js'
import { Reader, type ReaderOptions } from './reader.js'

/** The limit of lanes to one broker for each kind, beside that of what is quiet. Beyond it, readers share lanes. */
const maxBusyLanes = 8
const refreshEveryMs = 5_000

/**
 * Reads for all subscriptions of a process. Partitions without anything new share one lane to each broker, and so one request. Those with
 * much traffic are in other lanes, where they neither wait for the many nor cost the broker a look at them.
 *
 * See docs/decisions/0026-kafka-shared-fetch-sessions.md.
 */
export class Reading implements LaneOwner {
  readonly #cluster: Cluster
  readonly #requestTimeoutMs: number
  readonly #readers = new Set<Reader>()
  readonly #lanes = new Set<Lane>()
  #laneCount = 0
  /** The end of the last turn. */
  #turn: Promise<unknown> = Promise.resolve()
  /** Positions that are placed when the running code has ended, so that those which come together share a lane. */
  readonly #unplaced = new Set<Position>()
  /** Positions whose leader is being looked for, by topic. */
  readonly #leaderless = new Map<string, Set<Position>>()
  #refresh: NodeJS.Timeout | undefined
  /** The version of the cluster's metadata that every position was compared with. */
  #checkedVersion = -1

  constructor(cluster: Cluster, { requestTimeoutMs }: { readonly requestTimeoutMs: number }) {
    this.#cluster = cluster
    this.#requestTimeoutMs = requestTimeoutMs
  }

  open(options: ReaderOptions): Reader {
    const reader = new Reader(options, this)
    this.#readers.add(reader)
    this.#refresh ??= setInterval(() => void this.#refreshAll(), refreshEveryMs).unref()
    return reader
  }

  /** Ends the lanes when the last reader has ended. */
  ended(one: Reader | Lane): void {
    if (one instanceof Lane) {
      this.#lanes.delete(one)
      return
    }
    this.#readers.delete(one)
    if (this.#readers.size > 0) return
    clearInterval(this.#refresh)
    this.#refresh = undefined
    for (const lane of this.#lanes) lane.close()
    this.#lanes.clear()
  }

  place(position: Position): void {
    if (this.#unplaced.size === 0) queueMicrotask(() => this.#placeAll())
    this.#unplaced.add(position)
  }

  placeLater(positions: readonly Position[], pauseMs: number): void {
    setTimeout(() => {
      for (const position of positions) this.place(position)
    }, pauseMs)
  }

  failed(positions: readonly Position[], error: unknown): void {
    const open = positions.filter(({ isClosed }) => !isClosed)
    for (const position of open) {
      position.isFailing = true
      this.#cluster.forget(position.topic)
    }
    for (const reader of readersOf(open)) reader.failed(error)
    if (open.length > 0) this.placeLater(open, errorPauseMs)
  }

  findStart(position: Position): void {
    logStart(this.#cluster, position).then(
      (start) => {
        if (position.isClosed) return
        const gap = { position: position.from, start }
        position.from = start
        position.reader.listener.gap(position, gap)
        this.place(position)
      },
      (error) => this.failed([position], error),
    )
  }

  hasQuiet(busy: Lane): void {
    const { leader, kind } = busy
    const found = [...this.#lanes].find((lane) => lane.isQuiet && lane.serves(busy))
    const quiet = found ?? this.#newLane({ leader, kind, isQuiet: true })
    quiet.wake()
  }

  #placeAll(): void {
    const positions = [...this.#unplaced]
    this.#unplaced.clear()
    for (const position of positions) {
      if (position.isClosed || position.lane !== undefined) continue
      const leader = this.#cluster.leaderOf(position) ?? -1
      if (leader < 0) this.#findLeader(position)
      else this.#assign(position, leader)
    }
  }

  #findLeader(position: Position): void {
    const { topic } = position
    const waiting = this.#leaderless.get(topic)
    if (waiting !== undefined) {
      waiting.add(position)
      return
    }
    this.#leaderless.set(topic, new Set([position]))
    void this.#findLeaders(topic)
  }

  async #findLeaders(topic: string): Promise<void> {
    let isMissing = false
    let failure: unknown
    try {
      isMissing = (await this.#cluster.partitionsOf(topic)) === undefined
    } catch (error) {
      failure = error
    }
    const positions = [...(this.#leaderless.get(topic) ?? [])].filter(({ isClosed }) => !isClosed)
    this.#leaderless.delete(topic)
    if (isMissing) for (const reader of readersOf(positions)) reader.listener.missing(topic)
    const failed = positions.filter((position) => {
      const leader = failure === undefined ? (this.#cluster.leaderOf(position) ?? -1) : -1
      if (leader < 0) return true
      this.#assign(position, leader)
      return false
    })
    if (failed.length > 0) this.failed(failed, failure ?? new Error(`${failed[0]?.name} has no leader`))
    this.#checkAll()
  }

  /** Gives a position to a lane that is about to ask, or else to a new one, so that it need not wait for the end of a request. */
  #assign(position: Position, leader: number): void {
    if (position.isClosed || this.#isReplaced(position)) return
    const { kind } = position
    const busy = [...this.#lanes].filter((lane) => !lane.isQuiet && lane.serves({ leader, kind }))
    const fitting = busy.filter((lane) => lane.fits(position))
    const free = smallest(fitting.filter(({ isInFlight }) => !isInFlight))
    const shared = busy.length < maxBusyLanes ? undefined : (smallest(fitting) ?? smallest(busy))
    const lane = free ?? shared ?? this.#newLane({ leader, kind, isQuiet: false })
    lane.add(position)
  }

  #newLane(of: Pick<Lane, 'leader' | 'kind' | 'isQuiet'>): Lane {
    this.#laneCount += 1
    const purpose = `read ${this.#laneCount}`
    const [cluster, requestTimeoutMs, lanes, inTurn] = [
      this.#cluster,
      this.#requestTimeoutMs,
      this.#lanes,
      this.#inTurn,
    ]
    const lane = new Lane({ ...of, purpose, cluster, requestTimeoutMs, lanes, inTurn }, this)
    this.#lanes.add(lane)
    return lane
  }

  readonly #inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => undefined)
    return result
  }

  #isReplaced(position: Position): boolean {
    const identity = this.#cluster.identityOf(position.topic)
    position.identity ??= identity
    if (identity === undefined || position.identity === identity) return false
    position.reader.replaced(position.topic, identity)
    return true
  }

  /** No error says that a topic was replaced while nothing of it was being read. */
  async #refreshAll(): Promise<void> {
    const topics = new Set<string>()
    for (const reader of this.#readers) for (const { topic } of reader.positions.values()) topics.add(topic)
    await this.#cluster.allPartitions([...topics], { fresh: true }).catch(() => {})
    this.#checkAll()
  }

  /** Looks for positions whose topic or leader is another one by now. */
  #checkAll(): void {
    if (this.#checkedVersion === this.#cluster.version) return
    this.#checkedVersion = this.#cluster.version
    for (const reader of this.#readers) {
      for (const position of [...reader.positions.values()]) {
        const { lane } = position
        if (lane === undefined || this.#isReplaced(position) || this.#cluster.leaderOf(position) === lane.leader)
          continue
        lane.remove(position)
        this.place(position)
      }
    }
  }
}

const readersOf = (positions: readonly Position[]): ReadonlySet<Reader> =>
  new Set(positions.map(({ reader }) => reader))

const smallest = (lanes: readonly Lane[]): Lane | undefined =>
  lanes.reduce<Lane | undefined>(
    (found, lane) => (found === undefined || lane.size < found.size ? lane : found),
    undefined,
  )

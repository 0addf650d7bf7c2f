import { setTimeout as sleep } from 'node:timers/promises'
import { type Cluster, nameOf, type TopicPartition } from '../cluster.js'
import { errorType, isStaleLeader } from '../errors.js'
import type { Broker } from '../kafkajs-types.js'
import { askToFetch } from '../protocol.js'
import { isPacked, unreadableError } from '../records/record-batch.js'
import { maxUnpackedBytes } from '../records/unpack.js'
import {
  decodeFetch,
  encodeFetch,
  type FetchAnswer,
  type PartitionData,
  type PartitionFetch,
  type PartitionRead,
  readData,
} from '../requests.js'
import { FetchSession, type SessionChanges, Slot } from './fetch-session.js'
import type { Position, ReadKind } from './position.js'

/** Takes positions that a lane does not read any more. */
export interface LaneOwner {
  place(position: Position): void
  /** The positions could not be read for a reason that concerns all of them. */
  failed(positions: readonly Position[], error: unknown): void
  placeLater(positions: readonly Position[], pauseMs: number): void
  /** The offset of a position is not there any more. */
  findStart(position: Position): void
  /** A lane has positions that a quiet lane may take. */
  hasQuiet(lane: Lane): void
  ended(lane: Lane): void
}

export interface LaneOptions {
  readonly cluster: Cluster
  readonly leader: number
  readonly kind: ReadKind
  /** True for the lane of what has had nothing new for some time. */
  readonly isQuiet: boolean
  /** The name of its connection. */
  readonly purpose: string
  readonly requestTimeoutMs: number
  /** All lanes, this one among them. */
  readonly lanes: Iterable<Lane>
  /** Has only one lane at a time do something that takes much memory. */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result>
}

/** How long a broker may wait for records. Nothing that is added to a lane meanwhile is asked for before that. */
const waitsMs = { afterPause: 50, busy: 100, quiet: 5_000 }
/** How long requests stay short after a pause. A partition that is resumed within that time need not wait for the end of a long one. */
const pauseCountsMs = 2_000
/** A partition without records for this long is quiet. One that gets records twice within the shorter time is not. */
const quietAfterMs = 2_000
const busyWithinMs = 1_000
/** Limits the work of a broker, which looks at every partition of a session for each request. */
const pacePerPartitionMs = 0.02
/** How long a lane keeps its connection when nothing is left to read over it. */
const lingerMs = 5_000
export const errorPauseMs = 200
const codecPauseMs = 2_000
/** An answer is decoded in one go while handlers wait, so it is kept small. A larger batch comes whole. */
const limits = { maxBytes: 10 * 1024 * 1024, maxPartitionBytes: 256 * 1024 }

const sessionErrors = ['FETCH_SESSION_ID_NOT_FOUND', 'INVALID_FETCH_SESSION_EPOCH']

/**
 * Reads partitions of any number of readers from one broker, over a connection of its own with one request at a time.
 *
 * See docs/decisions/0026-kafka-shared-fetch-sessions.md.
 */
export class Lane {
  readonly leader: number
  readonly kind: ReadKind
  readonly isQuiet: boolean
  readonly #options: LaneOptions
  readonly #owner: LaneOwner
  readonly #session = new FetchSession()
  readonly #slots = new Map<string, Slot>()
  /** The slots whose positions have changed since the last request. */
  readonly #changed = new Set<Slot>()
  /** The slots that the broker is asked for. */
  readonly #asked = new Set<Slot>()
  #broker: Broker | undefined
  #size = 0
  #requests = 0
  #sentAt = Number.NEGATIVE_INFINITY
  #pausedAt = Number.NEGATIVE_INFINITY
  /** Some positions wait for their turn. */
  #isCrowded = false
  #hasFailing = false
  #isInFlight = false
  #isRunning = false
  #isClosed = false
  #wake: (() => void) | undefined

  constructor(options: LaneOptions, owner: LaneOwner) {
    this.#options = options
    this.#owner = owner
    this.leader = options.leader
    this.kind = options.kind
    this.isQuiet = options.isQuiet
  }

  /** How many positions it reads. */
  get size(): number {
    return this.#size
  }

  /** True while a request waits for its answer. What is added now has to wait for that. */
  get isInFlight(): boolean {
    return this.#isInFlight
  }

  /** Returns whether it reads this kind from this broker. */
  serves({ leader, kind }: Pick<Lane, 'leader' | 'kind'>): boolean {
    return this.leader === leader && this.kind === kind
  }

  *positions(): Iterable<Position> {
    for (const slot of this.#slots.values()) yield* slot.positions
  }

  /** Returns whether it asks for no other offset of this partition. */
  fits(position: Position): boolean {
    return this.#slots.get(position.name)?.fits(position) ?? true
  }

  add(position: Position): void {
    let slot = this.#slots.get(position.name)
    if (slot === undefined) {
      slot = new Slot(position)
      this.#slots.set(position.name, slot)
    }
    slot.positions.add(position)
    position.lane = this
    this.#size += 1
    this.#hasFailing ||= position.isFailing
    this.#changed.add(slot)
    this.wake()
  }

  remove(position: Position): void {
    const slot = this.#slots.get(position.name)
    if (!slot?.positions.delete(position)) return
    // An answer to what was asked before says nothing about it, also if it comes back.
    slot.asked = slot.asked.filter((one) => one !== position)
    position.lane = undefined
    this.#size -= 1
    this.#changed.add(slot)
  }

  paused(position: Position): void {
    this.#pausedAt = performance.now()
    this.#change(position)
  }

  /** Returns false if the position has to be read elsewhere, because others are at another offset. */
  resumed(position: Position): boolean {
    if (!this.fits(position)) return false
    this.#change(position)
    this.wake()
    return true
  }

  /** Starts it if it stands still. */
  wake(): void {
    this.#wake?.()
    if (this.#isRunning || this.#isClosed) return
    this.#isRunning = true
    void this.#run()
  }

  close(): void {
    this.#isClosed = true
    this.#wake?.()
    if (this.#broker !== undefined) this.#options.cluster.drop(this.#broker)
  }

  #change({ name }: Position): void {
    const slot = this.#slots.get(name)
    if (slot !== undefined) this.#changed.add(slot)
  }

  async #run(): Promise<void> {
    // Further positions are added in the same turn.
    await Promise.resolve()
    while (!this.#isClosed) {
      await this.#pace()
      if (this.isQuiet) this.#takeQuiet()
      const changes = this.#next()
      if (changes === undefined) {
        if (!(await this.#woken()) && this.#size === 0) break
        continue
      }
      await this.#fetch(changes).catch((error) => this.#failed(error))
    }
    this.close()
    this.#owner.ended(this)
  }

  /** Takes over what has become quiet in other lanes. */
  #takeQuiet(): void {
    for (const other of this.#options.lanes) {
      if (other.isQuiet || !other.serves(this)) continue
      for (const position of [...other.positions()]) {
        if (!isQuiet(position) || !this.fits(position)) continue
        other.remove(position)
        this.add(position)
      }
    }
  }

  async #pace(): Promise<void> {
    const pauseMs = this.#sentAt + this.#asked.size * pacePerPartitionMs - performance.now()
    if (pauseMs >= 1) await sleep(pauseMs)
  }

  /** Resolves with false if nothing has come for long. */
  async #woken(): Promise<boolean> {
    const isWoken = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), lingerMs).unref()
      this.#wake = () => {
        clearTimeout(timer)
        resolve(true)
      }
    })
    this.#wake = undefined
    return isWoken
  }

  /** Returns what to tell the broker, or undefined if there is nothing to ask for. */
  #next(): SessionChanges | undefined {
    const isNew = this.#session.isNew
    const slots = isNew ? [...this.#slots.values()] : [...this.#changed]
    this.#requests += 1
    if (isNew) this.#asked.clear()
    const crowded = slots.filter((slot) => !slot.choose(this.#requests))
    for (const slot of slots) {
      if (slot.asked.length > 0) this.#asked.add(slot)
      else this.#asked.delete(slot)
    }
    // The broker hears what it may forget with the next request.
    if (this.#asked.size === 0) return undefined
    const wanted: PartitionFetch[] = []
    const forgotten: TopicPartition[] = []
    for (const slot of slots) {
      const { topic, partition } = slot
      const from = slot.asked[0]?.from
      if (from !== undefined && (isNew || slot.sent !== from)) wanted.push({ topic, partition, from })
      if (from === undefined && slot.sent !== undefined && !isNew) forgotten.push(slot)
      slot.sent = from
      if (slot.positions.size === 0) this.#slots.delete(slot.name)
    }
    this.#changed.clear()
    for (const slot of crowded) this.#changed.add(slot)
    this.#isCrowded = crowded.length > 0
    return { wanted, forgotten }
  }

  async #fetch(changes: SessionChanges): Promise<void> {
    const { cluster, leader, purpose } = this.#options
    const { step } = this.#session
    let answer: FetchAnswer
    this.#isInFlight = true
    try {
      const broker = await cluster.nodeApart(leader, purpose)
      this.#broker = broker
      if (this.#isClosed) return this.close()
      this.#sentAt = performance.now()
      const request = encodeFetch({ ...limits, ...changes, session: step, maxWaitMs: this.#waitMs() })
      answer = decodeFetch(await cluster.request(broker, () => askToFetch(broker, request, { isApart: true })))
    } catch (error) {
      this.#session.reset()
      // The broker has forgotten a session that was not used for some minutes, or was restarted.
      if (step.id !== 0 && sessionErrors.includes(errorType(error) ?? '')) return
      throw error
    } finally {
      this.#isInFlight = false
    }
    if (this.#isClosed) return
    this.#session.answered(answer.sessionId)
    await this.#take(answer)
    if (this.#hasFailing) this.#checkRecovery()
    if (!this.isQuiet && answer.partitions.length === 0) this.#offerQuiet()
  }

  #waitMs(): number {
    const { requestTimeoutMs } = this.#options
    const isPausing = performance.now() - this.#pausedAt < pauseCountsMs
    const waitMs = this.isQuiet ? waitsMs.quiet : waitsMs.busy
    return Math.floor(Math.min(requestTimeoutMs / 2, isPausing || this.#isCrowded ? waitsMs.afterPause : waitMs))
  }

  async #take({ partitions }: FetchAnswer): Promise<void> {
    const budget = { maxBytes: maxUnpackedBytes, left: maxUnpackedBytes }
    for (const data of partitions) {
      const slot = this.#slots.get(nameOf(data))
      if (slot === undefined) continue
      const { sent, asked } = slot
      let isTaken = false
      for (const position of asked) {
        // It was closed, paused or passed on in the meantime.
        if (position.lane !== this || position.from !== sent || position.isPaused) continue
        if (data.error !== undefined) {
          this.#recover(position, data.error)
          continue
        }
        const decode = () => readData(isTaken ? copyOf(data) : data, { from: position.from, budget })
        // Others may have unpacked enough for its reader meanwhile, which has then paused this position.
        const isWanted = (): boolean => position.lane === this && !position.isPaused
        const read = isPacked(data.batches)
          ? await this.#options.inTurn(async () => (isWanted() ? await decode() : undefined))
          : await decode()
        if (read === undefined || !isWanted()) continue
        isTaken = true
        this.#deliver(position, read)
      }
      this.#changed.add(slot)
      // Without a session, the broker prefers the partitions that are named first.
      if (isTaken && this.#session.isNew && this.#slots.delete(slot.name)) this.#slots.set(slot.name, slot)
    }
  }

  #deliver(position: Position, read: PartitionRead): void {
    const { listener, sink } = position.reader
    if (read.nextOffset === undefined) return
    if (read.missingCodec !== undefined) {
      if (position.kind === 'waiting') {
        this.#stopAt(position, read, read.missingCodec)
        return
      }
      listener.missingCodec(read)
    }
    position.from = read.nextOffset
    const before = position.activeAt
    position.activeAt = performance.now()
    sink.take(read)
    if (!this.isQuiet || position.lane !== this || position.activeAt - before > busyWithinMs) return
    this.remove(position)
    this.#owner.place(position)
  }

  /** Takes the records before one whose codec is missing. The error lasts until there is a codec. */
  #stopAt(
    position: Position,
    read: PartitionRead,
    { offset, cause }: NonNullable<PartitionRead['missingCodec']>,
  ): void {
    if (offset > position.from) {
      position.from = offset
      const records = read.records.filter((record) => record.offset < offset)
      position.reader.sink.take({ ...read, records, nextOffset: offset })
    }
    this.#failedAlone(position, unreadableError(position.topic, { offset, cause }), codecPauseMs)
  }

  #recover(position: Position, error: Error): void {
    if (errorType(error) === 'OFFSET_OUT_OF_RANGE') {
      this.remove(position)
      this.#owner.findStart(position)
      return
    }
    if (isStaleLeader(error)) this.#options.cluster.forget(position.topic)
    this.#failedAlone(position, error, errorPauseMs)
  }

  /** Leaves out one position for some time. The others go on. */
  #failedAlone(position: Position, error: Error, pauseMs: number): void {
    if (position.isClosed) return
    this.remove(position)
    position.isFailing = true
    position.reader.failed(error)
    this.#owner.placeLater([position], pauseMs)
  }

  #failed(error: unknown): void {
    if (this.#isClosed) return
    const positions = [...this.positions()]
    for (const position of positions) this.remove(position)
    this.#owner.failed(positions, error)
  }

  #checkRecovery(): void {
    this.#hasFailing = false
    const recovered = [...this.#asked].flatMap(({ asked }) => asked).filter((one) => one.lane === this && one.isFailing)
    for (const position of recovered) position.isFailing = false
    for (const reader of new Set(recovered.map((position) => position.reader))) reader.checkRecovery()
    for (const { isFailing } of this.positions()) this.#hasFailing ||= isFailing
  }

  #offerQuiet(): void {
    for (const position of this.positions()) {
      if (!isQuiet(position)) continue
      this.#owner.hasQuiet(this)
      return
    }
  }
}

const isQuiet = ({ isPaused, activeAt }: Position): boolean => !isPaused && performance.now() - activeAt > quietAfterMs

/** Two readers of one partition share no memory, because an application may change the bytes of a message. */
const copyOf = (data: PartitionData): PartitionData => ({ ...data, batches: Buffer.from(data.batches) })

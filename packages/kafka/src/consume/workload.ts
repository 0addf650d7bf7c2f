import { type ConsumeOptions, type Failure, type Handle, MqError, type Settlement, systemClock } from '@mq/core/adapter'
import type { PartitionRead } from '../driver/requests.js'
import { nameOf, type TopicPartition } from '../driver/topic-partition.js'
import { heldMs, tiersMs } from '../topology/tiers.js'
import type { Progress } from '../wire/progress.js'
import { decodeRecord } from '../wire/decode.js'
import { Lanes } from './lanes.js'
import { Run } from './run.js'
import { type Entry, type TopicKind, Tracker } from './tracker.js'

export interface WorkloadOptions extends ConsumeOptions {
  /** As applications call it. */
  readonly topic: string
  readonly maxUncommitted: number
  readonly handle: Handle
}

export interface WorkloadListener {
  pause(at: TopicPartition): void
  resume(at: TopicPartition): void
  /**
   * Carries out what became of an entry; false when it could not be before the entry was lost. `stuck` is called when that may
   * take for ever because of the entry itself.
   */
  carryOut(entry: Entry, settlement: Settlement & { kind: 'retry' | 'dead' }, stuck: () => void): Promise<boolean>
  /** False while too much is finished that the broker does not know of; `proceed` is called when it is over. */
  mayStart(): boolean
  /** Something is finished. */
  finished(): void
  /** Writes an entry to where it waits for the rest of its time; likewise. */
  forward(entry: Entry): Promise<boolean>
  error(error: MqError): void
}

/** How many handlers start before timers and sockets get a turn: a backlog must not starve the rest of the process. */
const startsPerTurn = 256
/** What waits for a handler, for each partition; beyond it the partition is not read. */
const maxUnstarted = 2_000
const maxUnstartedBytes = 4 * 1024 * 1024
/** What waits in a partition that holds its records back: they come in the order in which they go on. */
const maxHeldBack = 500
/** What may wait to be settled without holding up a handler. Their number is bounded by what may be uncommitted. */
const maxUnsettledBytes = 128 * 1024 * 1024
/** How soon a message runs again whose `handle` rejected, which it must not. */
const brokenHandleDelayMs = 1_000

/**
 * The records that a consumer has in hand: which of them may be handled, which are, and how far each partition is finished.
 * Knows nothing of groups and commits.
 */
export class Workload {
  readonly #options: WorkloadOptions
  readonly #listener: WorkloadListener
  readonly #trackers = new Map<string, Tracker>()
  readonly #lanes = new Lanes()
  /** Trackers with something ready; the first one is asked next. */
  #queue: Tracker[] = []
  #running = 0
  #unsettledBytes = 0
  #startsLeft = startsPerTurn
  #turnScheduled = false
  #stopping = false
  #idle: (() => void)[] = []

  constructor(options: WorkloadOptions, listener: WorkloadListener) {
    this.#options = options
    this.#listener = listener
  }

  get trackers(): Iterable<Tracker> {
    return this.#trackers.values()
  }

  add(at: TopicPartition, kind: TopicKind, progress: Progress): void {
    this.#trackers.set(nameOf(at), new Tracker(at, kind, progress))
  }

  find(at: TopicPartition): Tracker | undefined {
    return this.#trackers.get(nameOf(at))
  }

  /** What was read from a partition, in order. */
  take(read: PartitionRead): void {
    const tracker = this.find(read)
    if (tracker === undefined || tracker.isClosing) return
    for (const record of read.records) {
      const entry = tracker.add(record)
      if (entry !== undefined) this.#arrived(tracker, entry)
    }
    if (read.nextOffset !== undefined) tracker.readTo(read.nextOffset)
    this.#checkPressure(tracker)
    this.#pump()
  }

  /** Starts nothing more of these, and resolves when what runs has ended, or after the deadline. */
  async finish(trackers: readonly Tracker[], timeoutMs: number): Promise<void> {
    for (const tracker of trackers) {
      tracker.isClosing = true
      this.#discardUnstarted(tracker)
    }
    this.#pump()
    const isBusy = (): boolean => trackers.some(({ running }) => running > 0)
    if (!isBusy()) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(timeoutMs, 2 ** 31 - 1))
      const check = (): void => {
        if (isBusy()) {
          this.#idle.push(check)
          return
        }
        clearTimeout(timer)
        resolve()
      }
      this.#idle.push(check)
    })
  }

  /** Ends what still runs without settling it. */
  abandon(trackers: readonly Tracker[], reason: MqError): void {
    for (const tracker of trackers) {
      tracker.isClosing = true
      this.#discardUnstarted(tracker)
      for (const entry of tracker.open()) {
        if (entry.state !== 'running') continue
        const { run } = entry
        this.#end(entry, 'void')
        run?.abort(reason)
      }
    }
    this.#pump()
  }

  remove(trackers: readonly Tracker[]): void {
    for (const tracker of trackers) {
      if (this.#trackers.get(nameOf(tracker)) === tracker) this.#trackers.delete(nameOf(tracker))
    }
  }

  proceed(): void {
    this.#pump()
  }

  /** Ends intake. */
  stop(): void {
    this.#stopping = true
  }

  #arrived(tracker: Tracker, entry: Entry): void {
    const needsDecoding = tracker.kind !== 'main' || this.#options.ordered
    if (!needsDecoding) {
      this.#makeReady(entry)
      return
    }
    const { message, dueMs } = this.#decoded(entry)
    if (this.#options.ordered && message.key !== undefined) entry.key = message.key
    const now = Date.now()
    if (dueMs <= now) {
      this.#enterLane(entry)
      return
    }
    const timestampMs = Math.min(entry.record?.timestampMs ?? now, now)
    const tierMs = tracker.kind === 'retry' ? (tiersMs[tracker.partition] ?? 0) : 0
    if (dueMs - now <= heldMs || this.#options.ephemeral || (tracker.kind === 'retry' && tierMs === 0)) {
      this.#at(entry, dueMs, () => this.#enterLane(entry))
    } else this.#at(entry, Math.min(dueMs, timestampMs + tierMs), () => this.#goOn(entry, dueMs))
  }

  /** A record that has waited as long as its partition has it wait. */
  #goOn(entry: Entry, dueMs: number): void {
    if (dueMs - Date.now() <= heldMs) {
      this.#at(entry, dueMs, () => this.#enterLane(entry))
      return
    }
    entry.tracker.forward(entry)
    void this.#listener.forward(entry).then((isDone) => {
      if (entry.state === 'running') this.#end(entry, isDone ? 'done' : 'void')
    })
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
      this.#pump()
    }, delayMs)
    entry.cancelTimer = () => timer.cancel()
  }

  #enterLane(entry: Entry): void {
    if (this.#lanes.enter(entry)) this.#makeReady(entry)
  }

  #makeReady(entry: Entry): void {
    const { tracker } = entry
    entry.state = 'ready'
    if (tracker.ready.length === 0) this.#queue.push(tracker)
    tracker.ready.push(entry)
  }

  #nextReady(): Entry | undefined {
    for (let tracker = this.#queue.shift(); tracker !== undefined; tracker = this.#queue.shift()) {
      const entry = tracker.ready.shift()
      if (tracker.ready.length > 0) this.#queue.push(tracker)
      if (entry?.state === 'ready') return entry
    }
    return undefined
  }

  #pump(): void {
    while (this.#running < this.#options.concurrency && !this.#stopping && this.#listener.mayStart()) {
      if (this.#startsLeft === 0) {
        this.#scheduleTurn()
        return
      }
      const entry = this.#nextReady()
      if (entry === undefined) return
      this.#startsLeft -= 1
      this.#scheduleTurn()
      this.#start(entry)
    }
  }

  #scheduleTurn(): void {
    if (this.#turnScheduled) return
    this.#turnScheduled = true
    setImmediate(() => {
      this.#turnScheduled = false
      this.#startsLeft = startsPerTurn
      this.#pump()
    })
  }

  #start(entry: Entry): void {
    const run = new Run(this.#decoded(entry))
    entry.run = run
    entry.tracker.start(entry)
    entry.tracker.handled += 1
    this.#running += 1
    this.#options.handle(run).then(
      (settlement) => this.#settle(entry, settlement),
      (cause) => this.#settle(entry, this.#broken(entry, cause)),
    )
  }

  #decoded(entry: Entry) {
    if (entry.record === undefined) throw new MqError('MQ_OPERATION_FAILED', 'A finished record was looked at')
    entry.decoded ??= decodeRecord(entry.record, {
      topic: entry.tracker.topic,
      partition: entry.tracker.partition,
      name: this.#options.topic,
    })
    return entry.decoded
  }

  /** `handle` must answer with a settlement, always. */
  #broken(entry: Entry, cause: unknown): Settlement {
    const error = new MqError('MQ_OPERATION_FAILED', 'handle rejected; it must answer with a settlement', { cause })
    this.#listener.error(error)
    const now = Date.now()
    const failure: Failure = {
      reason: 'error',
      error: { name: error.name, message: error.message, code: error.code },
      attempts: entry.decoded?.attempt ?? 1,
      firstFailedAt: entry.decoded?.failure?.firstFailedAt ?? now,
      failedAt: now,
    }
    return { kind: 'retry', delayMs: brokenHandleDelayMs, failure }
  }

  #settle(entry: Entry, settlement: Settlement): void {
    // What it lost in the meantime is somebody else's to settle.
    if (entry.state !== 'running') return
    if (settlement.kind === 'done' || this.#options.ephemeral) this.#end(entry, 'done')
    else if (settlement.kind === 'release') this.#end(entry, 'void')
    else {
      const carriedOut = this.#listener.carryOut(entry, settlement, () => this.#freeHandler(entry))
      void carriedOut.then((isDone) => {
        if (entry.state === 'running') this.#end(entry, isDone ? 'done' : 'void')
      })
    }
  }

  /** Others are handled while this one waits to be settled; those of its key are not. */
  #freeHandler(entry: Entry): void {
    const { bytes, run } = entry
    if (entry.state !== 'running' || run === undefined || this.#unsettledBytes + bytes > maxUnsettledBytes) return
    this.#unsettledBytes += bytes
    entry.isUnsettled = true
    this.#leaveHandler(entry)
    this.#pump()
  }

  #leaveHandler(entry: Entry): void {
    if (entry.run === undefined) return
    entry.run = undefined
    entry.tracker.handled -= 1
    this.#running -= 1
  }

  #end(entry: Entry, state: 'done' | 'void'): void {
    const { tracker } = entry
    this.#leaveHandler(entry)
    if (entry.isUnsettled) this.#unsettledBytes -= entry.bytes
    entry.isUnsettled = false
    tracker.finish(entry, state)
    if (state === 'done') this.#listener.finished()
    const next = this.#lanes.leave(entry)
    if (next !== undefined) this.#makeReady(next)
    this.#checkPressure(tracker)
    if (this.#idle.length > 0) for (const check of this.#idle.splice(0)) check()
    this.#pump()
  }

  #discardUnstarted(tracker: Tracker): void {
    for (const entry of tracker.open()) {
      if (entry.state === 'running') continue
      tracker.discard(entry)
      const next = this.#lanes.leave(entry)
      if (next !== undefined) this.#makeReady(next)
    }
    tracker.ready.clear()
    this.#queue = this.#queue.filter((one) => one !== tracker)
  }

  #checkPressure(tracker: Tracker): void {
    if (this.#options.ephemeral && tracker.uncommitted >= this.#options.maxUncommitted) tracker.forgetFinished()
    const isHeldBack = tracker.kind === 'retry' && tracker.partition > 0
    const most = isHeldBack ? maxHeldBack : maxUnstarted
    const share = tracker.isPaused ? 0.5 : 1
    const isFull =
      tracker.unstarted >= most * share ||
      tracker.unstartedBytes >= maxUnstartedBytes * share ||
      tracker.uncommitted >= this.#options.maxUncommitted * share
    if (isFull === tracker.isPaused) return
    tracker.isPaused = isFull
    if (isFull) this.#listener.pause(tracker)
    else this.#listener.resume(tracker)
  }
}

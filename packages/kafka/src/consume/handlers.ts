import { type Handle, KeyLanes, type Settlement } from '@mq/core/adapter'
import type { CommitGate } from './commits.js'
import { decodedOf, type Entry, Run } from './entry.js'
import type { Settler } from './settler.js'
import { applyPressure, type PressureLimits, type Tracker } from './tracker.js'

export interface HandlersOptions extends PressureLimits {
  /** The topic as applications call it. */
  readonly topic: string
  readonly concurrency: number
  readonly handle: Handle
}

/** How many handlers start before timers and sockets get a turn, so that a backlog does not starve the rest of the process. */
const startsPerTurn = 256
/** The limit of the bytes of entries that handlers have. One more may begin just below it. */
const maxRunningBytes = 128 * 1024 * 1024
/** The limit of the bytes of entries that wait to be settled without a handler. `maxUncommitted` limits their number. */
const maxUnsettledBytes = 128 * 1024 * 1024

/** Runs the handler for entries that are ready, and settles them. */
export class Handlers {
  readonly #options: HandlersOptions
  readonly #queue: ReadyQueue
  readonly #settler: Settler
  readonly #commits: CommitGate
  readonly #resume = (): void => this.startReady()
  #running = 0
  #runningBytes = 0
  #unsettledBytes = 0
  #startsLeft = startsPerTurn
  #isTurnScheduled = false
  #isStopping = false

  constructor(
    options: HandlersOptions,
    parts: { readonly queue: ReadyQueue; readonly settler: Settler; readonly commits: CommitGate },
  ) {
    this.#options = options
    this.#queue = parts.queue
    this.#settler = parts.settler
    this.#commits = parts.commits
  }

  /** Starts as many entries as may run. */
  startReady(): void {
    const { concurrency } = this.#options
    while (this.#running < concurrency && this.#runningBytes < maxRunningBytes && !this.#isStopping) {
      if (this.#commits.isFull) {
        this.#commits.onceNotFull(this.#resume)
        return
      }
      if (this.#startsLeft === 0) {
        this.#scheduleTurn()
        return
      }
      const entry = this.#queue.shift()
      if (entry === undefined) return
      this.#startsLeft -= 1
      this.#scheduleTurn()
      this.#start(entry)
    }
  }

  /** Starts nothing more. */
  stop(): void {
    this.#isStopping = true
  }

  /** Ends an entry that is running. Does nothing for one that has ended already. */
  end(entry: Entry, state: 'done' | 'void'): void {
    if (entry.state !== 'running') return
    const { tracker } = entry
    this.#leaveHandler(entry)
    if (entry.isUnsettled) this.#unsettledBytes -= entry.bytes
    entry.isUnsettled = false
    tracker.finish(entry, state)
    if (state === 'done') this.#commits.oneFinished()
    this.#queue.leave(entry)
    applyPressure(tracker, this.#options)
    this.startReady()
  }

  #scheduleTurn(): void {
    if (this.#isTurnScheduled) return
    this.#isTurnScheduled = true
    setImmediate(() => {
      this.#isTurnScheduled = false
      this.#startsLeft = startsPerTurn
      this.startReady()
    })
  }

  #start(entry: Entry): void {
    const run = new Run(decodedOf(entry, this.#options.topic))
    entry.run = run
    entry.tracker.start(entry)
    entry.tracker.inHandlers += 1
    this.#running += 1
    this.#runningBytes += entry.bytes
    void this.#options.handle(run).then((settlement) => this.#settle(entry, settlement))
  }

  #settle(entry: Entry, settlement: Settlement): void {
    // An entry that was lost in the meantime is settled by its new owner.
    if (entry.state !== 'running') return
    if (settlement.kind === 'done' || this.#options.ephemeral) this.end(entry, 'done')
    else if (settlement.kind === 'release') this.end(entry, 'void')
    else {
      void this.#settler
        .carryOut(entry, settlement, () => this.#freeHandler(entry))
        .then((isDone) => this.end(entry, isDone ? 'done' : 'void'))
    }
  }

  /** Lets other entries be handled while this one waits to be settled. Those of its key still wait. */
  #freeHandler(entry: Entry): void {
    const { bytes, run } = entry
    if (entry.state !== 'running' || run === undefined || this.#unsettledBytes + bytes > maxUnsettledBytes) return
    this.#unsettledBytes += bytes
    entry.isUnsettled = true
    this.#leaveHandler(entry)
    this.startReady()
  }

  #leaveHandler(entry: Entry): void {
    if (entry.run === undefined) return
    entry.run = undefined
    entry.tracker.inHandlers -= 1
    this.#running -= 1
    this.#runningBytes -= entry.bytes
  }
}

/** The entries that wait for a free handler: one of each key at a time. Partitions take turns. */
export class ReadyQueue {
  readonly #lanes = new KeyLanes<Entry>()
  /** The trackers that have a ready entry. The first one has the next turn. */
  #turns: Tracker[] = []

  /** Makes the entry ready when no other of its key is before it. */
  enter(entry: Entry): void {
    if (this.#lanes.enter(entry.key, entry)) this.#add(entry)
  }

  /** Makes the next entry of the same key ready. Passes over entries that were discarded while they waited. */
  leave(entry: Entry): void {
    let next = this.#lanes.leave(entry.key, entry)
    while (next?.state === 'void') next = this.#lanes.leave(next.key, next)
    if (next !== undefined) this.#add(next)
  }

  /** Takes the next entry out. */
  shift(): Entry | undefined {
    for (let tracker = this.#turns.shift(); tracker !== undefined; tracker = this.#turns.shift()) {
      const entry = tracker.ready.shift()
      if (tracker.ready.length > 0) this.#turns.push(tracker)
      if (entry?.state === 'ready') return entry
    }
    return undefined
  }

  /** Takes the entries of a partition out. */
  remove(tracker: Tracker): void {
    tracker.ready.clear()
    this.#turns = this.#turns.filter((one) => one !== tracker)
  }

  #add(entry: Entry): void {
    const { tracker } = entry
    entry.state = 'ready'
    if (tracker.ready.length === 0) this.#turns.push(tracker)
    tracker.ready.push(entry)
  }
}

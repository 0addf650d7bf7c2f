import type { Handle, Settlement } from '@mq/core/adapter'
import type { CommitGate } from './commits.js'
import type { Entry, Run } from './entry.js'
import type { ReadyQueue } from './ready-queue.js'
import type { Settler } from './settler.js'

/** Keeps messages from being started. It is a field and no call, because each message looks at it. */
export interface Hold {
  readonly isOn: boolean
}

export interface HandlersOptions {
  readonly ephemeral: boolean
  /** The topic as applications call it. */
  readonly topic: string
  readonly concurrency: number
  readonly handle: Handle
  /** Nothing is started while it is on. Default: it is never on. */
  readonly hold?: Hold
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
    const { concurrency, hold } = this.#options
    if (hold?.isOn) return
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
    tracker.states.finish(entry, state)
    if (entry.key !== undefined) this.#queue.leave(entry)
    if (tracker.isPaused) tracker.applyPressure()
    if (state === 'done') this.#commits.oneFinished()
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
    const run = entry.tracker.states.start(entry, this.#options.topic)
    this.#commits.changed()
    this.#running += 1
    this.#runningBytes += entry.bytes
    entry.ending = this.#endingOf(entry, run)
    void entry.ending.then((settlement) => this.#settle(entry, settlement))
  }

  /** Calls the handler, unless an earlier run in this process has handled the record. */
  #endingOf({ tracker, offset }: Entry, run: Run): Promise<Settlement> {
    const late = tracker.lateRuns?.byOffset.get(offset)
    if (late === undefined) return this.#options.handle(run)
    tracker.lateRuns?.byOffset.delete(offset)
    return late.then((settlement) => (settlement.kind === 'release' ? this.#options.handle(run) : settlement))
  }

  #settle(entry: Entry, settlement: Settlement): void {
    // An entry that was lost in the meantime is settled by its new owner.
    if (entry.state !== 'running') return
    if (settlement.kind === 'done' || this.#options.ephemeral) this.end(entry, 'done')
    else if (settlement.kind === 'release') this.end(entry, 'void')
    else {
      const writing = this.#settler.carryOut(entry, settlement, () => this.#freeHandler(entry))
      entry.ending = writing.then((isDone) => (isDone ? { kind: 'done' } : settlement))
      void writing.then((isDone) => this.end(entry, isDone ? 'done' : 'void'))
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
    if (!entry.tracker.states.leaveHandler(entry)) return
    this.#running -= 1
    this.#runningBytes -= entry.bytes
    this.#commits.changed()
  }
}

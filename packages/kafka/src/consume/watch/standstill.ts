import { MqError } from '@mq/core/adapter'
import { nameOf } from '../../driver/cluster.js'
import type { Tracker } from '../tracker.js'

export interface StandstillOptions {
  readonly trackers: () => readonly Tracker[]
  readonly report: (error: MqError) => void
}

interface Standstill {
  readonly offset: number
  readonly sinceMs: number
  isReported: boolean
}

const everyMs = 1_000
const maxStandstillMs = 10_000

/** Notices partitions that are not read further because one of their records does not get finished. Reports each once. */
export class StandstillWatch {
  readonly #options: StandstillOptions
  readonly #timer: NodeJS.Timeout
  #standing = new Map<Tracker, Standstill>()

  constructor(options: StandstillOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#check(), everyMs)
    this.#timer.unref()
  }

  /** True while such a partition exists. */
  get isStanding(): boolean {
    return [...this.#standing.values()].some(({ isReported }) => isReported)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#standing.clear()
  }

  #check(): void {
    const before = this.#standing
    const now = performance.now()
    this.#standing = new Map()
    for (const tracker of this.#options.trackers()) {
      if (!tracker.isHeldUp) continue
      const offset = tracker.watermark
      const known = before.get(tracker)
      const standstill = known?.offset === offset ? known : { offset, sinceMs: now, isReported: false }
      this.#standing.set(tracker, standstill)
      if (standstill.isReported || now - standstill.sinceMs < maxStandstillMs) continue
      standstill.isReported = true
      this.#report(tracker, offset)
    }
  }

  #report(tracker: Tracker, offset: number): void {
    const waiting = `the record ${offset} is not finished, and ${tracker.uncommitted} have been read from there on`
    const text = `${nameOf(tracker)} has stood still for ${maxStandstillMs} ms: ${waiting}`
    this.#options.report(new MqError('MQ_OPERATION_FAILED', text))
  }
}

import type { Cluster } from '../driver/cluster.js'
import { LogScan, type ScanLimits, type ScanPart } from '../driver/log-scan.js'
import type { OpenPart } from './open-parts.js'
import { type OpenRecord, OpenRecords } from './open-records.js'

interface Lane {
  readonly part: ScanPart
  readonly open: OpenRecords
  /** The next record of this partition that is ready. */
  next: OpenRecord | undefined
  /** How many more of its records may be passed over because they are not due. */
  passes: number
}

export interface ReadyScanOptions extends ScanLimits {
  /** The name of the topic that applications use. */
  readonly name: string
  /** Returns where to begin in a partition. Default: with the oldest open record. */
  readonly from?: (part: OpenPart) => number | undefined
  /** How many records of each partition may be passed over because they are not due. The others go on without it then. */
  readonly maxPasses: number
}

/** Finds the records of a group that may be handled now, those that have been ready for longest first. Takes nothing. */
export class ReadyScan {
  readonly #scan: LogScan
  readonly #lanes: readonly Lane[]

  constructor(cluster: Cluster, parts: readonly OpenPart[], options: ReadyScanOptions) {
    const now = Date.now()
    const wanted = parts
      .filter(({ waiting }) => waiting > 0)
      .map((part) => ({ part, from: Math.max(part.from, options.from?.(part) ?? 0) }))
    this.#scan = new LogScan(
      cluster,
      wanted.map(({ part, from }) => ({ ...part, from })),
      options,
    )
    this.#lanes = wanted.map(({ part, from }, index) => ({
      part: this.#scan.parts[index] as ScanPart,
      open: new OpenRecords(part, { name: options.name, from, now }),
      next: undefined,
      passes: options.maxPasses,
    }))
  }

  /** Returns the next ready record, or undefined if there is none or the limits are reached. */
  async next(): Promise<OpenRecord | undefined> {
    while (!this.#advance()) if (!(await this.#scan.fill(this.#waiting))) return undefined
    let first: Lane | undefined
    for (const lane of this.#lanes) {
      if (lane.next !== undefined && (first?.next === undefined || lane.next.readyMs < first.next.readyMs)) first = lane
    }
    const found = first?.next
    if (first !== undefined) first.next = undefined
    return found
  }

  /** The offset of each partition from which a later scan has to go on. Empty if there is nothing left. */
  get rest(): readonly { readonly part: ScanPart; readonly from: number }[] {
    return this.#lanes
      .filter(({ part, next }) => next !== undefined || !part.hasEnded)
      .map(({ part, next }) => ({ part, from: next?.record.offset ?? part.position }))
  }

  get #waiting(): readonly ScanPart[] {
    return this.#lanes.filter(({ next, passes }) => next === undefined && passes > 0).map(({ part }) => part)
  }

  /** Returns false if something has to be read before it is known which record is the next one. */
  #advance(): boolean {
    for (const lane of this.#lanes) {
      while (lane.next === undefined && lane.passes > 0) {
        const record = lane.part.first
        if (record === undefined) break
        if (lane.open.isTooEarly(record)) {
          lane.part.stop()
          break
        }
        lane.part.shift()
        const open = lane.open.open(record)
        if (open?.isHeldBack === false) lane.next = open
        else if (open !== undefined) lane.passes -= 1
      }
    }
    return this.#lanes.every(({ next, part, passes }) => next !== undefined || part.hasEnded || passes === 0)
  }
}

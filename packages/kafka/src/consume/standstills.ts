import { nameOf, type TopicPartition } from '../driver/cluster.js'
import { joinProgress, type Progress } from '../wire/progress.js'
import type { LateRuns } from './entry.js'
import type { StartPoint } from './start-points.js'
import type { Tracker } from './tracker.js'

interface Kept {
  readonly committedFirst: number
  readonly progress: Progress
  readonly identity: string | undefined
  readonly runs: LateRuns['byOffset']
}

/**
 * Remembers what a consumer has done in partitions that it lost by a standstill of its process, until it gets them again.
 * One standstill keeps no more than was in memory, and the next one replaces it.
 *
 * After any other loss, whatever was not committed runs again: see docs/decisions/0002-abort-ends-a-delivery.md.
 */
export class Standstills {
  readonly #kept = new Map<string, Kept>()

  keep(trackers: readonly Tracker[]): void {
    for (const tracker of trackers) {
      const { progress, committedFirst, feed, lateRuns } = tracker
      const runs = new Map(lateRuns?.byOffset)
      for (const { offset, ending } of tracker.open()) if (ending !== undefined) runs.set(offset, ending)
      this.#kept.set(nameOf(tracker), { committedFirst, progress, identity: feed.identity, runs })
    }
  }

  /** Returns where the partition really goes on, and the runs of its records that were lost. */
  resume(at: TopicPartition, point: StartPoint): StartPoint & { readonly lateRuns?: LateRuns } {
    const kept = this.#kept.get(nameOf(at))
    this.#kept.delete(nameOf(at))
    const { progress, identity } = point
    // The group was set back, or the topic is another one of the same name.
    if (kept === undefined || kept.identity !== identity || progress.offset < kept.committedFirst) return point
    const lateRuns = { committed: progress.offset, byOffset: kept.runs }
    return { progress: joinProgress(kept.progress, progress), identity, lateRuns }
  }
}

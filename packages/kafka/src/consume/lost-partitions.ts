import { nameOf, type TopicPartition } from '../driver/cluster.js'
import { joinProgress, type Progress } from '../wire/progress.js'
import type { LateRuns } from './entry.js'
import type { StartPoint } from './start-points.js'
import type { Tracker } from './tracker.js'

interface Kept {
  /** The offset that the group had at the broker. It has been set back if it is less afterwards. */
  readonly committedOffset: number
  readonly progress: Progress
  readonly identity: string | undefined
  readonly runs: LateRuns['byOffset']
}

/**
 * Remembers what a consumer has finished in partitions that it lost, until it gets them again. So a message that was
 * finished while the coordinator was away does not run twice. It keeps no more than was in memory, and the next loss replaces it.
 *
 * A handler that still ran then has lost its message, and its answer is ignored: see docs/decisions/0002-abort-ends-a-delivery.md. Only after
 * a standstill of the process is the end of such a run remembered too. A handler that always takes that long would run forever otherwise.
 */
export class LostPartitions {
  readonly #kept = new Map<string, Kept>()

  keep(trackers: readonly Tracker[], { stoodStill }: { readonly stoodStill: boolean }): void {
    for (const tracker of trackers) {
      const { progress, committedOffset, feed } = tracker
      const runs = stoodStill ? runsOf(tracker) : new Map()
      this.#kept.set(nameOf(tracker), { committedOffset, progress, identity: feed.identity, runs })
    }
  }

  /** Returns where the partition really goes on, and the runs of its records that were lost. */
  resume(at: TopicPartition, point: StartPoint): StartPoint & { readonly lateRuns?: LateRuns } {
    const kept = this.#kept.get(nameOf(at))
    this.#kept.delete(nameOf(at))
    const { progress, identity } = point
    // The group was set back, or the topic is another one of the same name.
    if (kept === undefined || kept.identity !== identity || progress.offset < kept.committedOffset) return point
    const lateRuns = { committed: progress.offset, byOffset: kept.runs }
    return { progress: joinProgress(kept.progress, progress), identity, lateRuns }
  }
}

/** Returns the runs that have not ended, or whose end could not be committed, with those of earlier standstills. */
function runsOf(tracker: Tracker): LateRuns['byOffset'] {
  const runs = new Map(tracker.lateRuns?.byOffset)
  for (const { offset, ending } of tracker.open()) if (ending !== undefined) runs.set(offset, ending)
  return runs
}

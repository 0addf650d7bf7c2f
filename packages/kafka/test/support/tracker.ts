import type { Entry, LateRuns, Unstarted } from '../../src/consume/entry.js'
import { Tracker } from '../../src/consume/tracker.js'
import type { TopicKind } from '../../src/topology/plans.js'
import { decodeProgress, type Progress } from '../../src/wire/progress.js'

const feed = { pause() {}, resume() {}, close() {} }

/** Makes the tracker of a partition that nothing reads. */
export const trackerOf = ({
  kind = 'main' as TopicKind,
  partition = 0,
  progress = decodeProgress(0, null) as Progress,
  lateRuns = undefined as LateRuns | undefined,
  ofMain = { bytes: 0 } as Unstarted,
} = {}): Tracker =>
  new Tracker(
    { topic: 't', partition, kind },
    { progress, feed, ...(lateRuns && { lateRuns }) },
    { ephemeral: false, maxUncommitted: 10_000 },
    ofMain,
  )

/** Reads one record. Returns undefined if an earlier owner has finished it. */
export function takeOne(tracker: Tracker, { offset, bytes }: { offset: number; bytes: number }): Entry | undefined {
  const record = { offset, bytes, timestampMs: 0, key: undefined, value: Buffer.from('{}'), headers: [] }
  return tracker.take({ records: [record], nextOffset: offset + 1 })[0]
}

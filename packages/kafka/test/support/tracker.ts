import { type TopicKind, Tracker } from '../../src/consume/tracker.js'
import { decodeProgress, type Progress } from '../../src/wire/progress.js'

const feed = { pause() {}, resume() {}, close() {} }

/** Makes the tracker of a partition that nothing reads. */
export const trackerOf = ({
  kind = 'main' as TopicKind,
  partition = 0,
  progress = decodeProgress(0, null) as Progress,
} = {}): Tracker => new Tracker({ topic: 't', partition }, kind, progress, feed)

import type { Settlement } from '@mq/core/adapter'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../src/consume/entry.js'
import { LostPartitions } from '../src/consume/lost-partitions.js'
import { decodeProgress, encodeProgress, type Progress } from '../src/wire/progress.js'
import { takeOne, trackerOf } from './support/tracker.js'

const at = { topic: 't', partition: 0 }
const done: Settlement = { kind: 'done' }
const committed = (offset: number) => ({ progress: decodeProgress(offset, null), identity: undefined })

/** Returns what is remembered of a partition of which 5 and 7 are done, 6 runs, and nothing behind 5 is committed. */
function lostPartition({ stoodStill = true, isCommitted = false } = {}) {
  const tracker = trackerOf({ progress: decodeProgress(5, null) })
  const [first, second, third] = [5, 6, 7].map((offset) => takeOne(tracker, { offset, bytes: 10 }) as Entry)
  for (const entry of [first, second, third]) tracker.states.start(entry as Entry, 't')
  tracker.states.finish(first as Entry, 'done')
  tracker.states.finish(third as Entry, 'done')
  const ending = Promise.resolve(done)
  Object.assign(second as Entry, { ending })
  if (isCommitted) tracker.committed = '6/'
  const lost = new LostPartitions()
  lost.keep([tracker], { stoodStill })
  return { lost, ending }
}

const shown = ({ offset, done: ranges }: Progress) => ({ offset, done: ranges })

describe('a partition that was lost', () => {
  it('goes on behind what was finished, and its runs under way are forgotten', () => {
    const { lost } = lostPartition({ stoodStill: false })
    const { progress, lateRuns } = lost.resume(at, committed(5))
    expect(shown(progress)).toEqual({ offset: 6, done: [{ first: 7, last: 7 }] })
    expect(lateRuns?.byOffset.size).toBe(0)
  })

  it('begins as it is committed if that is before the last commit that the broker has answered', () => {
    const { lost } = lostPartition({ stoodStill: false, isCommitted: true })
    const point = committed(5)
    expect(lost.resume(at, point)).toBe(point)
  })
})

describe('a partition that was lost by a standstill of its process', () => {
  it('goes on behind what was finished, and with the runs that were under way', () => {
    const { lost, ending } = lostPartition()
    const { progress, lateRuns } = lost.resume(at, committed(5))
    expect(shown(progress)).toEqual({ offset: 6, done: [{ first: 7, last: 7 }] })
    expect(lateRuns).toEqual({ committed: 5, byOffset: new Map([[6, ending]]) })
  })

  it('goes on where another owner was, if that is further', () => {
    const { lost } = lostPartition()
    const other = { offset: 7, done: [{ first: 9, last: 9 }], doneCount: 1, running: 1 }
    const { progress } = lost.resume(at, { progress: other, identity: undefined })
    expect(shown(progress)).toEqual({
      offset: 7,
      done: [
        { first: 7, last: 7 },
        { first: 9, last: 9 },
      ],
    })
    expect(shown(decodeProgress(7, encodeProgress(progress)))).toEqual(shown(progress))
  })

  it.each([
    ['the group was set back', committed(3)],
    ['the topic is another one of the same name', { progress: decodeProgress(5, null), identity: 'other.cluster' }],
  ])('begins as it is committed if %s', (_, point) => {
    expect(lostPartition().lost.resume(at, point)).toBe(point)
  })

  it('is remembered once, and across a second standstill in which nothing could be committed', () => {
    const { lost, ending } = lostPartition()
    const { progress, lateRuns } = lost.resume(at, committed(5))
    expect(lost.resume(at, committed(5))).toEqual(committed(5))
    lost.keep([trackerOf({ progress, ...(lateRuns && { lateRuns }) })], { stoodStill: true })
    const again = lost.resume(at, committed(5))
    expect(shown(again.progress)).toEqual(shown(progress))
    expect(again.lateRuns?.byOffset.get(6)).toBe(ending)
  })
})

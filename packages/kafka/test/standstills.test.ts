import type { Settlement } from '@mq/core/adapter'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../src/consume/entry.js'
import { Standstills } from '../src/consume/standstills.js'
import { decodeProgress, encodeProgress, type Progress } from '../src/wire/progress.js'
import { takeOne, trackerOf } from './support/tracker.js'

const at = { topic: 't', partition: 0 }
const done: Settlement = { kind: 'done' }
const committed = (offset: number) => ({ progress: decodeProgress(offset, null), identity: undefined })

/** Returns the standstill of a partition of which 5 and 7 are done, 6 runs, and nothing behind 5 is committed. */
function lostPartition() {
  const tracker = trackerOf({ progress: decodeProgress(5, null) })
  const [first, second, third] = [5, 6, 7].map((offset) => takeOne(tracker, { offset, bytes: 10 }) as Entry)
  for (const entry of [first, second, third]) tracker.states.start(entry as Entry, 't')
  tracker.states.finish(first as Entry, 'done')
  tracker.states.finish(third as Entry, 'done')
  const ending = Promise.resolve(done)
  Object.assign(second as Entry, { ending })
  const standstills = new Standstills()
  standstills.keep([tracker])
  return { standstills, ending }
}

const shown = ({ offset, done: ranges }: Progress) => ({ offset, done: ranges })

describe('a partition that was lost by a standstill of its process', () => {
  it('goes on behind what was finished, and with the runs that were under way', () => {
    const { standstills, ending } = lostPartition()
    const { progress, lateRuns } = standstills.resume(at, committed(5))
    expect(shown(progress)).toEqual({ offset: 6, done: [{ first: 7, last: 7 }] })
    expect(lateRuns).toEqual({ committed: 5, byOffset: new Map([[6, ending]]) })
  })

  it('goes on where another owner was, if that is further', () => {
    const { standstills } = lostPartition()
    const other = { offset: 7, done: [{ first: 9, last: 9 }], doneCount: 1, running: 1 }
    const { progress } = standstills.resume(at, { progress: other, identity: undefined })
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
    expect(lostPartition().standstills.resume(at, point)).toBe(point)
  })

  it('is remembered once, and across a second standstill in which nothing could be committed', () => {
    const { standstills, ending } = lostPartition()
    const { progress, lateRuns } = standstills.resume(at, committed(5))
    expect(standstills.resume(at, committed(5))).toEqual(committed(5))
    standstills.keep([trackerOf({ progress, ...(lateRuns && { lateRuns }) })])
    const again = standstills.resume(at, committed(5))
    expect(shown(again.progress)).toEqual(shown(progress))
    expect(again.lateRuns?.byOffset.get(6)).toBe(ending)
  })
})

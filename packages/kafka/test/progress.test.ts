import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Tracker } from '../src/consume/tracker.js'
import { decodeProgress, encodeProgress, isOfDeletedTopic } from '../src/wire/progress.js'
import { takeOne, trackerOf } from './support/tracker.js'

describe('the progress of a partition', () => {
  it('comes back as it was committed', () => {
    const gaps = fc.array(fc.tuple(fc.integer({ min: 1, max: 1_000 }), fc.nat(50)), { maxLength: 100 })
    fc.assert(
      fc.property(fc.nat(2 ** 40), gaps, fc.nat(1_000), (offset, steps, running) => {
        let at = offset
        const done = steps.map(([gap, length]) => {
          const first = at + gap
          at = first + length + 1
          return { first, last: first + length }
        })
        const progress = { offset, done, doneCount: 7, running }
        expect(decodeProgress(offset, encodeProgress(progress))).toEqual(progress)
      }),
    )
  })

  it('is never longer than a broker accepts, and leaves out the last ranges', () => {
    const done = Array.from({ length: 20_000 }, (_, index) => ({ first: 2 * index + 1, last: 2 * index + 1 }))
    const text = encodeProgress({ offset: 0, done, doneCount: done.length, running: 3 })
    expect(text.length).toBeLessThan(4_000)
    const back = decodeProgress(0, text)
    expect(back.done).toEqual(done.slice(0, back.done.length))
    expect(back.done.length).toBeGreaterThan(500)
    expect([back.doneCount, back.running]).toEqual([20_000, 3])
  })

  it.each([null, undefined, '', 'somebody else’s', 'mq2;;x;y;z;', 'mq1;0;1;1-0', 'mq2;a.b;4;0;1;1-0'])(
    'is the offset alone beside %j',
    (metadata) => {
      expect(decodeProgress(5, metadata)).toEqual({ offset: 5, done: [], doneCount: 0, running: 0 })
    },
  )
})

describe('the progress of a topic that is another one by now', () => {
  const text = encodeProgress({ offset: 5, done: [{ first: 7, last: 8 }], doneCount: 2, running: 1 }, 'topic.cluster')
  const alone = { offset: 5, done: [], doneCount: 0, running: 0 }

  it('is the offset alone, and not even that if the topic was deleted', () => {
    expect(decodeProgress(5, text, 'topic.cluster').done).toEqual([{ first: 7, last: 8 }])
    expect(decodeProgress(5, text, 'other.cluster')).toEqual(alone)
    expect(isOfDeletedTopic(5, text, 'topic.cluster')).toBe(false)
    expect(isOfDeletedTopic(5, text, 'other.cluster')).toBe(true)
  })

  it('keeps the offset if the topic was copied to another cluster', () => {
    expect(decodeProgress(5, text, 'other.copy')).toEqual(alone)
    expect(decodeProgress(3, text, 'other.copy')).toEqual({ ...alone, offset: 3 })
    expect(isOfDeletedTopic(5, text, 'other.copy')).toBe(false)
    expect(isOfDeletedTopic(3, text, 'other.cluster')).toBe(false)
  })
})

describe('a record that is written to another topic', () => {
  it('counts as waiting until it is written, so that a slow write pauses reading', () => {
    const tracker = trackerOf({ kind: 'retry', partition: 1 })
    const entry = takeOne(tracker, { offset: 0, bytes: 1_000 })
    if (entry === undefined) throw new Error('It was not read')
    tracker.states.forward(entry)
    expect(tracker.states).toMatchObject({ begun: 0, begunBytes: 0 })
    tracker.states.finish(entry, 'done')
    expect(tracker.states).toMatchObject({ begun: 1, begunBytes: 1_100 })
  })
})

describe('a partition that goes from owner to owner', () => {
  /** Reads up to an offset and ends some of the records. Returns the offsets that were handled. */
  const handledBy = (tracker: Tracker, upTo: number, ends: (offset: number) => boolean): number[] => {
    const handled: number[] = []
    for (let offset = tracker.position; offset < upTo; offset++) {
      const entry = takeOne(tracker, { offset, bytes: 10 })
      if (entry === undefined || !ends(offset)) continue
      tracker.states.start(entry, 't')
      tracker.states.finish(entry, 'done')
      handled.push(offset)
    }
    return handled
  }

  it('is handled once, however little each owner reads before the next one comes', () => {
    const owner = fc.record({ reads: fc.nat(30), ends: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }) })
    fc.assert(
      fc.property(fc.array(owner, { minLength: 2, maxLength: 6 }), (owners) => {
        const handled: number[] = []
        let progress = decodeProgress(0, null)
        for (const { reads, ends } of owners) {
          const tracker = trackerOf({ progress })
          handled.push(...handledBy(tracker, progress.offset + reads, (offset) => ends[offset % ends.length] === true))
          const { offset } = tracker.progress
          progress = decodeProgress(offset, encodeProgress(tracker.progress))
        }
        const last = trackerOf({ progress })
        handled.push(...handledBy(last, 200, () => true))
        expect(handled.sort((one, other) => one - other)).toEqual(Array.from({ length: 200 }, (_, offset) => offset))
      }),
    )
  })
})

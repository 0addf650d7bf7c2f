import { describe, expect, it } from 'vitest'
import { takeOne, trackerOf } from './support/tracker.js'

describe('a finished entry', () => {
  it('holds neither its record nor what was handed to its handler', () => {
    const tracker = trackerOf()
    const entry = takeOne(tracker, { offset: 0, bytes: 10 })
    if (entry === undefined) throw new Error('It counts as finished')
    tracker.states.start(entry, 't')
    expect(entry).toMatchObject({ record: {}, decoded: {}, run: {} })
    tracker.states.finish(entry, 'done')
    expect(entry).toMatchObject({ record: undefined, decoded: undefined, run: undefined })
  })
})

describe('the partitions of a subscription', () => {
  it('are not read further while much of them together is in memory, except those that have nothing', () => {
    const ofMain = { bytes: 0 }
    const partitions = [0, 1, 2, 3, 4, 5].map((partition) => trackerOf({ partition, ofMain }))
    const entries = partitions.map((tracker) => takeOne(tracker, { offset: 0, bytes: 3.5 * 1024 * 1024 }))
    expect(partitions.map(({ isPaused }) => isPaused)).toEqual([false, false, false, false, true, true])
    const [last, lastEntry] = [partitions[5], entries[5]]
    if (last === undefined || lastEntry === undefined) throw new Error('There are six')
    last.states.start(lastEntry, 't')
    last.states.finish(lastEntry, 'done')
    last.applyPressure()
    expect(last.isPaused).toBe(false)
  })

  it('are read although much of what waits for its time is in memory', () => {
    const ofMain = { bytes: 0 }
    for (let partition = 1; partition < 7; partition++)
      takeOne(trackerOf({ kind: 'retry', partition, ofMain }), { offset: 0, bytes: 3.5 * 1024 * 1024 })
    const main = trackerOf({ ofMain })
    takeOne(main, { offset: 0, bytes: 1 })
    expect(main.isPaused).toBe(false)
  })
})

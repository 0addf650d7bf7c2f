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

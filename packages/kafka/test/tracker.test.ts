import { describe, expect, it } from 'vitest'
import { Run } from '../src/consume/entry.js'
import { decodeRecord } from '../src/wire/record.js'
import { trackerOf } from './support/tracker.js'

describe('a finished entry', () => {
  it('holds neither its record nor what was handed to its handler', () => {
    const tracker = trackerOf()
    const record = { offset: 0, bytes: 10, timestampMs: 0, key: undefined, value: Buffer.from('{}'), headers: [] }
    const entry = tracker.add(record)
    if (entry === undefined) throw new Error('It counts as finished')
    entry.decoded = decodeRecord(record, tracker)
    entry.run = new Run(entry.decoded)
    tracker.start(entry)
    tracker.finish(entry, 'done')
    expect(entry).toMatchObject({ record: undefined, decoded: undefined, run: undefined })
  })
})

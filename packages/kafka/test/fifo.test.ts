import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Fifo } from '../src/consume/fifo.js'
import { Run } from '../src/consume/run.js'
import { Tracker } from '../src/consume/tracker.js'
import { decodeRecord } from '../src/wire/decode.js'

describe('a queue', () => {
  it('gives back what was put in, in order, also when it is never empty', () => {
    const steps = fc.array(fc.record({ put: fc.nat({ max: 900 }), take: fc.nat({ max: 900 }) }), { maxLength: 20 })
    fc.assert(
      fc.property(steps, (all) => {
        const queue = new Fifo<number>()
        const model: number[] = []
        let next = 0
        for (const { put, take } of all) {
          for (let left = put; left > 0; left--) {
            queue.push(next)
            model.push(next++)
          }
          for (let left = take; left > 0; left--) expect(queue.shift()).toBe(model.shift())
          expect([queue.length, queue.first, [...queue]]).toEqual([model.length, model[0], model])
        }
      }),
    )
  })
})

describe('a finished entry', () => {
  it('holds neither its record nor what was handed to its handler', () => {
    const tracker = new Tracker({ topic: 't', partition: 0 }, 'main', { offset: 0, done: [], doneCount: 0, running: 0 })
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

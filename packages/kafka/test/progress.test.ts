import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeProgress, encodeProgress } from '../src/progress.js'

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

  it('never takes more than a broker takes, and leaves out the ranges behind', () => {
    const done = Array.from({ length: 20_000 }, (_, index) => ({ first: 2 * index + 1, last: 2 * index + 1 }))
    const text = encodeProgress({ offset: 0, done, doneCount: done.length, running: 3 })
    expect(text.length).toBeLessThan(4_000)
    const back = decodeProgress(0, text)
    expect(back.done).toEqual(done.slice(0, back.done.length))
    expect(back.done.length).toBeGreaterThan(500)
    expect([back.doneCount, back.running]).toEqual([20_000, 3])
  })

  it.each([null, undefined, '', 'somebody else’s', 'mq1;x;y;z'])('is nothing but the offset beside %j', (metadata) => {
    expect(decodeProgress(5, metadata)).toEqual({ offset: 5, done: [], doneCount: 0, running: 0 })
  })
})

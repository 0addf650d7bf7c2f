import { describe, expect, it } from 'vitest'
import { createKnownTicks } from '../../src/tasks/schedules/known-ticks.js'

describe('known ticks', () => {
  it('are the latest two thousand, in whichever order they ran', () => {
    const known = createKnownTicks()
    for (let tick = 1; tick <= 2_001; tick++) known.add(tick, tick)
    expect([known.has(1), known.has(2), known.has(2_001)]).toEqual([false, true, true])
  })

  it('tell the latest of all, and whether anything ran since', () => {
    const known = createKnownTicks()
    expect([known.last, known.hasRunSince(0)]).toEqual([undefined, false])
    known.add(20, 25)
    known.add(10, 30)
    expect(known.last).toBe(20)
    expect([known.hasRunSince(30), known.hasRunSince(31)]).toEqual([true, false])
  })
})

import { describe, expect, it } from 'vitest'
import { createKnownTicks } from '../../src/tasks/schedules/known-ticks.js'

const year = 365 * 24 * 60 * 60 * 1000

describe('known ticks', () => {
  it('are at least the latest two thousand, in whichever order they ran', () => {
    const known = createKnownTicks()
    for (let tick = 4_001; tick >= 1; tick--) known.add(tick, tick)
    expect([1, 2_001, 2_002, 4_001].map(known.hasRunHere)).toEqual([false, false, true, true])
  })

  it('are kept, however many announcements of earlier ones come', () => {
    const known = createKnownTicks()
    known.announce(2 * year, 2 * year)
    for (let tick = 1; tick <= 10_000; tick++) known.announce(tick, 2 * year)
    expect(known.isAnnounced(2 * year)).toBe(true)
  })

  it('tell the latest of all, and whether anything ran since', () => {
    const known = createKnownTicks()
    expect([known.last, known.hasRunSince(0)]).toEqual([undefined, false])
    known.add(20, 25)
    known.announce(10, 30)
    expect(known.last).toBe(20)
    expect([known.hasRunSince(30), known.hasRunSince(31)]).toEqual([true, false])
    expect([known.hasRunHere(20), known.isAnnounced(20), known.hasRunHere(10), known.isAnnounced(10)]).toEqual([
      true,
      false,
      false,
      true,
    ])
  })

  it('are none that is further ahead than clocks differ, whoever says that it ran', () => {
    const known = createKnownTicks()
    for (const ahead of [5_001, 90_000, year, 1_000 * year]) known.announce(ahead, 0)
    expect([5_001, 90_000, year, 1_000 * year].map(known.isAnnounced)).toEqual([false, false, false, false])
    expect([known.last, known.hasRunSince(-1)]).toEqual([undefined, false])
    known.announce(5_000, 0)
    expect(known.isAnnounced(5_000)).toBe(true)
  })
})

import { expect, it } from 'vitest'
import { createLanes } from '../src/publish/lanes.js'

it('of what one destination gets within a quarter of a second, all beyond the first fifty take the lane for bursts', () => {
  const laneOf = createLanes(() => 0)
  const chosen = Array.from({ length: 1_000 }, () => laneOf('a', 5_000))
  expect(chosen.filter((lane) => lane === 'calm')).toHaveLength(50)
  expect(chosen.lastIndexOf('calm')).toBe(49)
  expect(laneOf('b', 5_000)).toBe('calm')
  expect(laneOf('a', 5_250)).toBe('calm')
})

it('what comes due at one moment is a burst, whenever it was sent', () => {
  let now = 0
  const laneOf = createLanes(() => now)
  const chosen = { calm: 0, bulk: 0 }
  for (; now < 5_000; now += 10) {
    chosen[laneOf('a', 10_000 - now)] += 1
  }
  expect(chosen).toEqual({ calm: 50, bulk: 450 })
})

it('remembers a bounded number of destinations, and still knows a burst', () => {
  const laneOf = createLanes(() => 0)
  for (let index = 0; index < 30_000; index++) expect(laneOf(String(index), 1)).toBe('calm')
  const chosen = Array.from({ length: 100 }, () => laneOf('a', 1))
  expect(chosen.filter((lane) => lane === 'bulk')).toHaveLength(50)
})

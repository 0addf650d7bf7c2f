import { describe, expect, it } from 'vitest'
import { testClock } from '../../../memory/src/test-clock.js'
import { createStartLimit, requireRate } from '../../src/tasks/work/start-limit.js'
import { mqErrorOf, typeErrorOf } from '../support/errors.js'

const free = new AbortController().signal

describe('a limit of starts', () => {
  it('lets so many begin in any interval, in the order in which they ask', async () => {
    const clock = testClock()
    const limit = createStartLimit({ starts: 2, perMs: 100 }, clock)
    const began: [number, number][] = []
    const startedAt = clock.now()
    const turns = Array.from({ length: 7 }, (_, index) =>
      limit.turn(free).then(() => began.push([index, clock.now() - startedAt])),
    )
    await clock.advance(300)
    await Promise.all(turns)
    expect(began).toEqual([
      [0, 0],
      [1, 0],
      [2, 100],
      [3, 100],
      [4, 200],
      [5, 200],
      [6, 300],
    ])
  })

  it('counts from when a run began, however late its timer fired', async () => {
    let now = 0
    const timers: (() => void)[] = []
    const clock = {
      now: () => now,
      monotonic: () => now,
      setTimeout: (callback: () => void) => {
        timers.push(callback)
        return { cancel: () => {} }
      },
    }
    const limit = createStartLimit({ starts: 1, perMs: 100 }, clock)
    await limit.turn(free)
    const [second, third] = [limit.turn(free), limit.turn(free)]
    now = 150
    timers.shift()?.()
    await second
    now = 200
    timers.shift()?.()
    let began = false
    void third.then(() => {
      began = true
    })
    await Promise.resolve()
    expect(began).toBe(false)
    now = 250
    timers.shift()?.()
    await third
  })

  it('gives the turn of one that has lost its message to the next, and leaves no timer when nobody waits', async () => {
    const clock = testClock()
    const limit = createStartLimit({ starts: 1, perMs: 100 }, clock)
    await limit.turn(free)
    const lost = new AbortController()
    const gone = limit.turn(lost.signal)
    const next = limit.turn(free)
    lost.abort(new Error('lost'))
    await expect(gone).rejects.toThrow('lost')
    await clock.advance(100)
    await next
    await expect(limit.turn(lost.signal)).rejects.toThrow('lost')
  })

  it('is no limit where it makes no sense', async () => {
    for (const rate of [
      { starts: 0, perMs: 1 },
      { starts: 1.5, perMs: 1 },
      { starts: 1, perMs: 0 },
      { starts: 1, perS: 1 },
    ]) {
      await mqErrorOf(() => requireRate({ perMs: 1, ...rate } as never), 'MQ_INVALID_OPTION')
    }
    for (const rate of [5, null, { starts: '1', perMs: 1 }]) await typeErrorOf(() => requireRate(rate as never))
  })
})

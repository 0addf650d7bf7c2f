import { afterEach, describe, expect, it, vi } from 'vitest'
import { createMeasurements } from '../../src/conformance/kit/measurements.js'

afterEach(() => vi.restoreAllMocks())

describe('the figures of a case', () => {
  it('are none without a ledger', () => {
    expect(createMeasurements().figures()).toBeUndefined()
  })

  it('add up the last counts of each ledger', () => {
    const measurements = createMeasurements()
    const [first, second] = [measurements.account(), measurements.account()]
    first({ stored: 3, lost: 1, repeated: 0 })
    first({ stored: 5, lost: 0, repeated: 2 })
    second({ stored: 10, lost: 0, repeated: 1 })
    expect(measurements.figures()).toEqual({ stored: 15, lost: 0, repeated: 3, recoveriesMs: [] })
  })

  it('have the time from the end of each disturbance to the next stored message', () => {
    let now = 1_000
    vi.spyOn(performance, 'now').mockImplementation(() => now)
    const measurements = createMeasurements()
    measurements.account()
    measurements.stored()
    measurements.disturbed()
    now = 1_500
    // The broker is back only now: the time before it does not count.
    measurements.disturbed()
    now = 1_720.4
    measurements.stored()
    measurements.stored()
    measurements.disturbed()
    now = 3_720.4
    measurements.stored()
    expect(measurements.figures()?.recoveriesMs).toEqual([220, 2_000])
  })
})

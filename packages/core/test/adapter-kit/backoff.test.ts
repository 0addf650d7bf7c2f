import { afterEach, describe, expect, it, vi } from 'vitest'
import { backoff } from '../../src/adapter-kit/backoff.js'

const taken = (count: number, pauses: { next(): number }): number[] =>
  Array.from({ length: count }, () => pauses.next())

describe('the pause between tries', () => {
  afterEach(() => void vi.restoreAllMocks())

  it('doubles up to its maximum, and begins again after a success', () => {
    const pauses = backoff({ minMs: 100, maxMs: 500 })
    expect(taken(5, pauses)).toEqual([100, 200, 400, 500, 500])
    pauses.reset()
    expect(taken(2, pauses)).toEqual([100, 200])
  })

  it('is never above its maximum', () => {
    expect(taken(2, backoff({ minMs: 100, maxMs: 50 }))).toEqual([50, 50])
  })

  it('is with jitter between a half and all of it, and grows as without', () => {
    const random = vi.spyOn(Math, 'random')
    const pauses = backoff({ minMs: 100, maxMs: 400, jitter: true })
    random.mockReturnValueOnce(0)
    expect(pauses.next()).toBe(50)
    random.mockReturnValueOnce(0.5)
    expect(pauses.next()).toBe(150)
    random.mockReturnValueOnce(1)
    expect(pauses.next()).toBe(400)
  })
})

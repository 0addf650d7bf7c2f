import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { quiet, until } from '../../src/conformance/kit/wait.js'

describe('until', () => {
  it('resolves as soon as the predicate holds, even if it is asynchronous', async () => {
    let asked = 0
    await until('the third question', async () => ++asked === 3)
    expect(asked).toBe(3)
  })

  it('says after the timeout what it was waiting for', async () => {
    await expect(until('Godot', () => false, { timeoutMs: 20 })).rejects.toThrow('Waited 20 ms for Godot')
  })

  it('reports the progress at the timeout', async () => {
    let seen = 0
    const what = (): string => `three, there are ${seen}`
    const waiting = until(what, () => seen++ > 100, { timeoutMs: 40 })
    await expect(waiting).rejects.toThrow(/^Waited 40 ms for three, there are [1-9]/)
  })

  it('evaluates the predicate once even if the time was already over', async () => {
    await until('what is true', () => true, { timeoutMs: 0 })
  })

  it('fails at once with the error of the predicate', async () => {
    const broken = (): boolean => {
      throw new Error('no such group')
    }
    await expect(until('anything', broken)).rejects.toThrow('no such group')
  })
})

describe('quiet', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] }))
  afterEach(() => void vi.useRealTimers())

  it('resolves once the count has not changed for the given time since the last change', async () => {
    let count = 0
    let isQuiet = false
    void quiet(() => count, 100).then(() => {
      isQuiet = true
    })
    await vi.advanceTimersByTimeAsync(80)
    count += 1
    await vi.advanceTimersByTimeAsync(80)
    expect(isQuiet).toBe(false)
    await vi.advanceTimersByTimeAsync(40)
    expect(isQuiet).toBe(true)
  })

  it('gives up after a minute of changes, and says so', async () => {
    let count = 0
    const waiting = quiet(() => count++, 100).catch((error) => error)
    await vi.advanceTimersByTimeAsync(61_000)
    expect(await waiting).toMatchObject({
      message: expect.stringMatching(/^The count did not stay the same for 100 ms within a minute/),
    })
  })
})

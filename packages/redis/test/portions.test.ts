import { describe, expect, it } from 'vitest'
import { createPortions } from '../src/consume/shared/portions.js'
import type { OwnedEntry } from '../src/wire/entry.js'

const kib = 1_024
const answerOf = (count: number, bytes: number): readonly OwnedEntry[] =>
  Array.from({ length: count }, () => ({ entry: { bytes } }) as OwnedEntry)

describe('the number of messages to ask for', () => {
  /** Asks for so many, gets them all, and learns from that. */
  function ask(portions: ReturnType<typeof createPortions>, bytes: number, tookMs?: number): number {
    const count = portions.next(1_000)
    portions.learn(answerOf(count, bytes), tookMs)
    return count
  }

  it('follows the size of the messages, and takes large ones one at a time', () => {
    const portions = createPortions()
    expect(ask(portions, 300 * kib)).toBe(2)
    expect(ask(portions, 300 * kib)).toBe(1)
    for (let answer = 0; answer < 12; answer++) ask(portions, kib)
    expect(ask(portions, kib)).toBe(256)
  })

  it('grows to 2 MiB while full answers are quick, and is that of 256 KiB again after a slow one', () => {
    const portions = createPortions()
    const asked = Array.from({ length: 6 }, () => ask(portions, 128 * kib, 5))
    expect(asked).toEqual([2, 4, 8, 16, 16, 16])
    ask(portions, 128 * kib, 600)
    expect(ask(portions, 128 * kib, 300)).toBe(2)
    expect(ask(portions, 128 * kib)).toBe(2)
  })

  it('does not grow with answers that brought little', () => {
    const portions = createPortions()
    for (let answer = 0; answer < 12; answer++) portions.learn(answerOf(1, 100 * kib), 1)
    expect(portions.next(1_000)).toBe(2)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeyLanes } from '../../src/adapter-kit/key-lanes.js'

interface Item {
  readonly key: string | undefined
  readonly number: number
}

describe('lanes', () => {
  it('let one item of a key through at a time, in order, and all items in the end', () => {
    const keys = fc.array(fc.constantFrom('a', 'b', 'c', undefined), { maxLength: 60 })
    fc.assert(
      fc.property(keys, fc.array(fc.nat(), { minLength: 60, maxLength: 60 }), (given, picks) => {
        const lanes = new KeyLanes<Item>()
        const started: Item[] = []
        const running: Item[] = []
        const begin = (item: Item): void => {
          if (item.key !== undefined) expect(running.some(({ key }) => key === item.key)).toBe(false)
          started.push(item)
          running.push(item)
        }
        const endOne = (pick: number): void => {
          const [item] = running.splice(pick % running.length, 1)
          if (item === undefined) return
          const next = lanes.leave(item.key, item)
          if (next !== undefined) begin(next)
        }
        given.forEach((key, number) => {
          const item = { key, number }
          if (lanes.enter(key, item)) begin(item)
          expect(lanes.waiting + started.length).toBe(number + 1)
          if ((picks[number] ?? 0) % 3 === 0) endOne(picks[number] ?? 0)
        })
        while (running.length > 0) endOne(0)
        expect(started).toHaveLength(given.length)
        expect(lanes.waiting).toBe(0)
        for (const key of ['a', 'b', 'c']) {
          const numbers = started.filter((item) => item.key === key).map(({ number }) => number)
          expect(numbers).toEqual([...numbers].sort((one, other) => one - other))
        }
      }),
    )
  })

  it('do nothing for an item that leaves twice, or before its turn', () => {
    const lanes = new KeyLanes<Item>()
    const [first, second, third] = [0, 1, 2].map((number) => ({ key: 'k', number })) as [Item, Item, Item]
    for (const item of [first, second, third]) lanes.enter('k', item)
    expect(lanes.leave('k', third)).toBeUndefined()
    expect(lanes.leave('k', first)).toBe(second)
    expect(lanes.leave('k', first)).toBeUndefined()
    expect(lanes.leave('k', second)).toBe(third)
    expect(lanes.leave('k', third)).toBeUndefined()
    expect(lanes.enter('k', first), 'the key is free again').toBe(true)
  })

  it('pass over an item that leaves as soon as it comes out', () => {
    const lanes = new KeyLanes<Item>()
    const [first, gone, last] = [0, 1, 2].map((number) => ({ key: 'k', number })) as [Item, Item, Item]
    for (const item of [first, gone, last]) lanes.enter('k', item)
    let next = lanes.leave('k', first)
    while (next === gone) next = lanes.leave('k', next)
    expect(next).toBe(last)
    expect(lanes.waiting).toBe(0)
  })
})

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isDeeperThan } from '../src/wire/json-depth.js'

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0

it('a JSON text is as deep as its value, whatever its strings hold', () => {
  const strings = fc.string({ unit: fc.constantFrom('"', '\\', '[', ']', '{', '}', 'a', 'é') })
  const values = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 8 },
      strings,
      fc.integer(),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(strings, tie('value'), { maxKeys: 4 }),
    ),
  })).value
  fc.assert(
    fc.property(values, fc.constantFrom(undefined, 2), (value, indent) => {
      const [text, depth] = [JSON.stringify(value, undefined, indent), depthOf(value)]
      expect(isDeeperThan(text, depth)).toBe(false)
      expect(depth === 0 || isDeeperThan(text, depth - 1)).toBe(true)
    }),
  )
})

it('a text that is not JSON ends the look, however it is broken', () => {
  for (const text of ['"', '"\\', '[["', '\\"[[', `${'['.repeat(9)}"`]) expect(isDeeperThan(text, 9)).toBe(false)
  expect(isDeeperThan('['.repeat(10), 9)).toBe(true)
})

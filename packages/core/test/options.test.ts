import { describe, expect, it } from 'vitest'
import { keysOf } from '../src/contract/checks/options.js'

describe('keysOf', () => {
  it('returns the names in the order in which they are written', () => {
    expect(keysOf<{ b: 1; a?: 2; 'data-loss': 3 }>()({ b: true, a: true, 'data-loss': true })).toEqual([
      'b',
      'a',
      'data-loss',
    ])
  })
})

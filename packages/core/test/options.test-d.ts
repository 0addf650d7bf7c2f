import { describe, expectTypeOf, it } from 'vitest'
import { keysOf } from '../src/contract/checks/options.js'
import type { PublishOptions } from '../src/index.js'

interface Options {
  readonly group: string
  readonly retry?: number
}

describe('keysOf', () => {
  it('takes every name once, and knows them', () => {
    expectTypeOf(keysOf<Options>()({ group: true, retry: true })).toEqualTypeOf<readonly ('group' | 'retry')[]>()
  })

  it('refuses a list that lacks a name, an optional one too', () => {
    // @ts-expect-error: group is missing
    keysOf<Options>()({ retry: true })
    // @ts-expect-error: retry is missing
    keysOf<Options>()({ group: true })
    // @ts-expect-error: an option of publish is missing
    keysOf<PublishOptions>()({ id: true, key: true, delayMs: true, at: true, headers: true, extensions: true })
  })

  it('refuses a name that does not exist', () => {
    // @ts-expect-error: misspelt
    keysOf<Options>()({ group: true, retry: true, retries: true })
  })

  it('refuses a name without its mark', () => {
    // @ts-expect-error: false would be read as left out
    keysOf<Options>()({ group: true, retry: false })
  })
})

import { type MemoryOptions, type MemoryStoreOptions, memory, memoryStore } from '@mq/memory'
import { describe, expect, it } from 'vitest'

// A program under exactOptionalPropertyTypes passes on what may be undefined, as in `{ url: process.env.URL }`.
const memoryNothing: Record<keyof MemoryOptions, undefined> = {
  url: undefined,
  clock: undefined,
  maxMessages: undefined,
  maxBytes: undefined,
  maxMessageBytes: undefined,
  retain: undefined,
  dedupeMs: undefined,
}
const memoryStoreNothing: Record<keyof MemoryStoreOptions, undefined> = {
  clock: undefined,
  maxEntries: undefined,
}

describe('options that are undefined', () => {
  it('count as left out by memory()', () => {
    expect(() => memory(memoryNothing)).not.toThrow()
  })

  it('count as left out by memoryStore()', () => {
    expect(() => memoryStore(memoryStoreNothing)).not.toThrow()
  })
})

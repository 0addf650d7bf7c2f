import { storeConformance } from '@mq/core/conformance'
import { memoryStore, testClock } from '@mq/memory'
import { describe, expect, it } from 'vitest'

const clock = testClock()

storeConformance(
  { describe, it },
  {
    async open() {
      const store = memoryStore({ clock })
      return [store, store]
    },
    sleep: (ms) => clock.advance(ms),
  },
)

describe('memoryStore', () => {
  it('refuses a new key when it is full of what has not expired, and goes on with those it has', async () => {
    const store = memoryStore({ clock, maxEntries: 2 })
    await store.put('a', '1', { ttlMs: 1_000 })
    await store.put('b', '1', { ttlMs: 60_000 })
    await expect(store.put('c', '1', { ttlMs: 1_000 })).rejects.toMatchObject({ code: 'MQ_BACKPRESSURE' })
    await store.put('a', '2', { ttlMs: 1_000 })
    expect([await store.get('a'), await store.get('b'), await store.get('c')]).toEqual(['2', '1', undefined])
    await clock.advance(1_000)
    expect(await store.claim('c', '3', { ttlMs: 1_000 })).toBe('3')
  })

  it('holds no more than twice what has not expired', async () => {
    const store = memoryStore({ clock, maxEntries: 3_000 })
    for (let round = 0; round < 20; round++) {
      for (let index = 0; index < 900; index++) await store.put(`${round}/${index}`, 'x', { ttlMs: 1_000 })
      await clock.advance(1_000)
    }
  })

  it('refuses options that make no sense', () => {
    expect(() => memoryStore({ maxEntries: 0 })).toThrow('maxEntries')
    expect(() => memoryStore({ size: 1 } as never)).toThrow("no option 'size'")
  })
})

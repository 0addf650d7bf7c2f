import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RawDeadLetter } from '../src/adapter.js'
import { defineEvent, type GroupRef } from '../src/index.js'
import { failure, rawMessage } from './support/deliveries.js'
import { errorOf, mqErrorOf, typeErrorOf } from './support/errors.js'
import { never } from './support/fake-adapter.js'
import { connected } from './support/queues.js'

const entry = (changes: Parameters<typeof rawMessage>[0] = {}): RawDeadLetter => ({
  entryId: 'e-1',
  message: rawMessage(changes),
  failure: failure(),
})

function recording() {
  const asked: unknown[] = []
  return {
    asked,
    deadLetters: {
      list: async ({ limit }: { limit: number }) => {
        asked.push(limit)
        return [entry(), entry({ body: Buffer.from('{') }), entry({ contentType: 'image/png', body: Uint8Array.of(1) })]
      },
      replay: async (ids?: readonly string[]) => asked.push(ids) + 6,
      purge: async (ids?: readonly string[]) => asked.push(ids) + 8,
    },
  }
}

describe('deadLetters', () => {
  it('lists entries with their decoded data, and undefined where it cannot be decoded', async () => {
    const store = recording()
    const { queue } = await connected(store)
    const listed = await queue.deadLetters('t', 'g').list()
    expect(listed.map(({ data }) => data)).toEqual([{ userId: '42' }, undefined, Uint8Array.of(1)])
    expect(listed[1]?.message.body).toEqual(Buffer.from('{'))
    expect(listed[0]).toMatchObject({ entryId: 'e-1', failure: failure() })
    await queue.deadLetters('t', 'g').list({ limit: 10_000 })
    expect(store.asked).toEqual([100, 10_000])
  })

  it('replays and purges the entries that are named, or all', async () => {
    const store = recording()
    const { queue } = await connected(store)
    const letters = queue.deadLetters(defineEvent('t'), 'g')
    expect(await letters.replay(['a'])).toEqual({ replayed: 7 })
    expect(await letters.purge(['b', 'c'])).toEqual({ purged: 10 })
    await letters.replay()
    await letters.purge()
    expect(store.asked).toEqual([['a'], ['b', 'c'], undefined, undefined])
  })

  it('takes out nothing for an empty list: it does not mean all', async () => {
    const store = recording()
    const letters = (await connected(store)).queue.deadLetters('t', 'g')
    expect(await letters.replay([])).toEqual({ replayed: 0 })
    expect(await letters.purge([])).toEqual({ purged: 0 })
    expect(store.asked).toEqual([])
  })

  it.each([['e-1'], [{ entryId: 'e-1' }], [[{ entryId: 'e-1' }]], [[5]], [null]])(
    'refuses %j in the place of entry ids: it does not mean all',
    async (ids) => {
      const store = recording()
      const letters = (await connected(store)).queue.deadLetters('t', 'g')
      await typeErrorOf(() => letters.replay(ids as never))
      await typeErrorOf(() => letters.purge(ids as never))
      expect(store.asked).toEqual([])
    },
  )

  it('refuses a limit that is none', async () => {
    const letters = (await connected()).queue.deadLetters('t', 'g')
    for (const limit of [0, -1, 1.5, 10_001, Number.NaN]) {
      await mqErrorOf(() => letters.list({ limit }), 'MQ_INVALID_OPTION')
    }
    await typeErrorOf(() => letters.list({ limit: '5' as never }))
  })

  it('needs a group: its own or that of the queue', async () => {
    const { queue } = await connected()
    await typeErrorOf(() => queue.deadLetters('t'))
    await mqErrorOf(() => queue.deadLetters('t', 'a b'), 'MQ_INVALID_NAME')
    await mqErrorOf(() => queue.deadLetters('a b', 'g'), 'MQ_INVALID_NAME')
    expect(await (await connected({}, { group: 'own' })).queue.deadLetters('t').list()).toEqual([])
  })
})

describe('groups and stats', () => {
  it('are asked for by topic and group', async () => {
    const asked: GroupRef[] = []
    const stats = { ready: 1, inFlight: undefined, delayed: 2, dead: 3 }
    const { queue, adapter } = await connected({
      stats: async (ref) => {
        asked.push(ref)
        return stats
      },
      deleteGroup: async (ref) => void asked.push(ref),
    })
    expect(await queue.stats(defineEvent('t'), 'g')).toMatchObject(stats)
    // The tick that a schedule leaves at the broker waits in one count or the other.
    expect(await queue.stats('schedule.daily', 'replicas')).toMatchObject({ ...stats, delayed: 0 })
    expect(await queue.stats('schedule.daily', 'audit')).toMatchObject(stats)
    asked.splice(1)
    await queue.declareGroup('t', 'g')
    await queue.declareGroup('t', 'h', { startFrom: 'earliest' })
    await queue.deleteGroup('t', 'g')
    expect(asked).toEqual([
      { topic: 't', group: 'g' },
      { topic: 't', group: 'g' },
    ])
    expect(adapter.declared.map(({ startFrom }) => startFrom)).toEqual(['latest', 'earliest'])
  })

  it('refuse bad names and starts before the adapter sees anything', async () => {
    const { queue, adapter } = await connected({ capabilities: { startFromEarliest: false } })
    await mqErrorOf(() => queue.declareGroup('a b', 'g'), 'MQ_INVALID_NAME')
    await mqErrorOf(() => queue.declareGroup('t', 'a b'), 'MQ_INVALID_NAME')
    await typeErrorOf(() => queue.declareGroup('t', undefined as never))
    await mqErrorOf(() => queue.declareGroup('t', 'g', { startFrom: 'earliest' }), 'MQ_NOT_SUPPORTED')
    await mqErrorOf(() => queue.declareGroup('t', 'g', { startFrom: 'x' as never }), 'MQ_INVALID_OPTION')
    await mqErrorOf(() => queue.deleteGroup('t', 'a b'), 'MQ_INVALID_NAME')
    await typeErrorOf(() => queue.stats('t'))
    expect(adapter.calls).toEqual(['connect'])
  })
})

describe('an adapter that never answers', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('makes every operation reject with MQ_TIMEOUT', async () => {
    const silent = () => never<never>()
    const { queue } = await connected(
      {
        declareGroup: silent,
        deleteGroup: silent,
        stats: silent,
        deadLetters: { list: silent, replay: silent, purge: silent },
      },
      { operationTimeoutMs: 500 },
    )
    const letters = queue.deadLetters('t', 'g')
    const failing = [
      () => queue.declareGroup('t', 'g'),
      () => queue.deleteGroup('t', 'g'),
      () => queue.stats('t', 'g'),
      () => letters.list(),
      () => letters.replay(),
      () => letters.purge(['a']),
    ].map(errorOf)
    await vi.advanceTimersByTimeAsync(500)
    for (const error of await Promise.all(failing)) expect(error).toMatchObject({ code: 'MQ_TIMEOUT' })
  })
})

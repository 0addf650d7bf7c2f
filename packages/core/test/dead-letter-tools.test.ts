import { describe, expect, it } from 'vitest'
import type { OutgoingMessage, Page, PageRequest, RawDeadLetter } from '../src/adapter.js'
import { type DeadLetterFilter, defineEvent, defineForeignTopic, type FailureReason, type Queue } from '../src/index.js'
import { failure, rawMessage } from './support/deliveries.js'
import { mqErrorOf, typeErrorOf } from './support/errors.js'
import { storeAll } from './support/fake-adapter.js'
import { connected } from './support/queues.js'

interface Letter {
  readonly data?: unknown
  readonly key?: string
  readonly reason?: FailureReason
  readonly name?: string
  readonly code?: string
  readonly agoMs?: number
}

const letterOf = (
  number: number,
  { data = { n: number }, key, reason, name, code, agoMs = 0 }: Letter,
): RawDeadLetter => ({
  entryId: `e-${number}`,
  message: rawMessage({
    id: `m-${number}`,
    body: Buffer.from(JSON.stringify(data)),
    ...(key !== undefined && { key }),
  }),
  failure: {
    ...failure(),
    failedAt: Date.now() - agoMs,
    ...(reason && { reason }),
    error: { name: name ?? 'Error', message: 'broken', ...(code !== undefined && { code }) },
  },
})

const numberOf = (text: string): number => Number(/-?\d+/.exec(text.replace('e-', ''))?.[0])

function pageOf(entries: readonly RawDeadLetter[], limit: number, after: string): Page<RawDeadLetter> {
  const later = entries.filter(({ entryId }) => numberOf(entryId) > Number(after))
  const items = later.slice(0, limit)
  return { items, ...(later.length > limit && { next: String(numberOf(items.at(-1)?.entryId ?? '')) }) }
}

/** A group whose dead letters are as given. What is replayed is gone, and dies again if `isBroken`. */
async function deadGroup(letters: readonly Letter[], { isBroken = false, counts = true, pages = false } = {}) {
  let entries = letters.map((letter, number) => letterOf(number, letter))
  const calls: { readonly kind: 'replay' | 'purge'; readonly ids: readonly string[]; readonly at: number }[] = []
  const published: OutgoingMessage[] = []
  const take = (kind: 'replay' | 'purge') => async (ids?: readonly string[]) => {
    const at = performance.now()
    const taken = entries.filter(({ entryId }) => ids === undefined || ids.includes(entryId))
    entries = entries.filter((one) => !taken.includes(one))
    if (kind === 'replay' && isBroken) {
      entries.push(...taken.map((one) => ({ ...one, entryId: `${one.entryId}'` })))
    }
    calls.push({ kind, ids: ids ?? [], at })
    return taken.length
  }
  const opened = await connected({
    stats: async () => ({ ready: 0, inFlight: 0, delayed: 0, dead: counts ? entries.length : undefined }),
    deadLetters: {
      list: async ({ limit }) => entries.slice(0, limit),
      ...(pages && { page: async ({ limit, after = '-1' }: PageRequest) => pageOf(entries, limit, after) }),
      replay: take('replay'),
      purge: take('purge'),
    },
    publish: async (messages) => {
      published.push(...messages)
      return await storeAll(messages)
    },
  })
  return {
    ...opened,
    calls,
    published,
    letters: opened.queue.deadLetters('t', 'g'),
    left: () => entries.map(({ entryId }) => entryId),
    add: (letter: Letter, number: number) => entries.push(letterOf(number, letter)),
  }
}

describe('a filter', () => {
  const all: readonly Letter[] = [
    { reason: 'timeout', name: 'MqError', code: 'MQ_HANDLER_TIMEOUT', agoMs: 60_000 },
    { reason: 'error', name: 'HttpError', code: '503', key: 'k', data: { to: { country: 'DE', tags: ['a', 'b'] } } },
    { reason: 'invalid', data: { 'to.country': 'DE', to: { country: 'FR' } } },
    { reason: 'error', data: null, agoMs: 5_000 },
    { reason: 'error', data: 'text' },
  ]
  it.each<readonly [DeadLetterFilter, readonly number[]]>([
    [{ reason: 'timeout' }, [0]],
    [{ reason: ['timeout', 'invalid'] }, [0, 2]],
    [{ errorName: 'HttpError' }, [1]],
    [{ errorCode: '503' }, [1]],
    [{ errorCode: '50' }, []],
    [{ id: 'm-3' }, [3]],
    [{ key: 'k' }, [1]],
    [{ minAgeMs: 30_000 }, [0]],
    [{ minAgeMs: 1_000, maxAgeMs: 30_000 }, [3]],
    [{ data: { 'to.country': 'DE' } }, [1, 2]],
    [{ data: { 'to.tags.1': 'b' } }, [1]],
    [{ data: { 'to.constructor.name': 'Object' } }, []],
    [{ data: { 'to.country': 'DE' }, reason: 'error' }, [1]],
    [{ reason: undefined, key: 'k' }, [1]],
  ])('%j', async (where, expected) => {
    const { letters } = await deadGroup(all)
    expect((await letters.list({ where })).map(({ entryId }) => Number(entryId.slice(2)))).toEqual(expected)
  })

  it('that is empty, unknown or of a wrong type is refused', async () => {
    const { letters, calls } = await deadGroup(all)
    for (const where of [
      {},
      { reason: undefined },
      { reasons: 'error' },
      { reason: 'eror' },
      { reason: [] },
      { data: {} },
    ]) {
      await mqErrorOf(() => letters.purge({ where: where as never }), 'MQ_INVALID_OPTION')
      await mqErrorOf(() => letters.replay({ where: where as never }), 'MQ_INVALID_OPTION')
      await mqErrorOf(() => letters.list({ where: where as never }), 'MQ_INVALID_OPTION')
    }
    await typeErrorOf(() => letters.purge({} as never))
    await typeErrorOf(() => letters.purge({ where: { key: 5 } as never }))
    await typeErrorOf(() => letters.purge({ where: { data: { a: {} } } as never }))
    await typeErrorOf(() => letters.replay('e-1' as never))
    expect(calls).toEqual([])
  })
})

describe('a replay with options', () => {
  it('takes what matches, in the order of death and up to its limit', async () => {
    const { letters, left, calls } = await deadGroup([{ key: 'a' }, { key: 'b' }, { key: 'a' }, { key: 'a' }])
    expect(await letters.replay({ where: { key: 'a' }, limit: 2 })).toEqual({ replayed: 2, complete: false })
    expect(calls.map(({ ids }) => ids)).toEqual([['e-0', 'e-2']])
    expect(await letters.replay({ where: { key: 'a' } })).toEqual({ replayed: 1, complete: true })
    expect(left()).toEqual(['e-1'])
    expect(await letters.purge({ where: { key: 'b' } })).toEqual({ purged: 1, complete: true })
    expect(await letters.replay({})).toEqual({ replayed: 0, complete: true })
  })

  it('takes each entry once, although all die again', async () => {
    const { letters, left, calls } = await deadGroup(
      Array.from({ length: 1_200 }, () => ({})),
      { isBroken: true },
    )
    const seen: number[] = []
    expect(await letters.replay({ onProgress: ({ replayed }) => void seen.push(replayed) })).toEqual({
      replayed: 1_200,
      complete: true,
    })
    expect(calls.map(({ ids }) => ids.length)).toEqual([500, 500, 200])
    expect(seen).toEqual([500, 1_000, 1_200])
    expect(left()).toHaveLength(1_200)
  })

  it('looks behind the first 10,000 entries as long as it makes room, and says if it could not', async () => {
    const many = Array.from({ length: 10_500 }, (_, index) => ({ key: index < 10_000 ? 'front' : 'behind' }))
    const hidden = await deadGroup(many)
    expect(await hidden.letters.replay({ where: { key: 'behind' } })).toEqual({ replayed: 0, complete: false })
    expect(await hidden.letters.replay({})).toEqual({ replayed: 10_500, complete: true })
    const uncounted = await deadGroup([{}, {}], { counts: false })
    expect(await uncounted.letters.replay({})).toEqual({ replayed: 2, complete: true })
  })

  it('takes a function as a filter, and reports how far a purge is', async () => {
    const { letters } = await deadGroup([{}, {}, {}, {}])
    const isOdd = ({ entryId }: { readonly entryId: string }): boolean => Number(entryId.slice(2)) % 2 === 1
    const odd = (await letters.list({ where: isOdd })).map(({ entryId }) => entryId)
    expect(odd.length).toBeGreaterThan(0)
    const progress: unknown[] = []
    const onProgress = (one: unknown) => progress.push(one)
    expect(await letters.purge({ where: isOdd, onProgress })).toEqual({ purged: odd.length, complete: true })
    expect(progress).toEqual([{ purged: odd.length }])
    expect(await letters.list({ where: isOdd })).toEqual([])
    await typeErrorOf(() => letters.purge({ where: isOdd, onProgress: 'often' as never }))
  })

  it('keeps to its rate, ends when its signal aborts, and goes on where it ended', async () => {
    const { letters, left, calls } = await deadGroup(Array.from({ length: 6 }, () => ({})))
    const abort = new AbortController()
    const rate = { messages: 10, perMs: 1_000 }
    const first = letters.replay({
      rate,
      signal: abort.signal,
      onProgress: ({ replayed }) => {
        if (replayed >= 4) abort.abort()
      },
    })
    expect(await first).toEqual({ replayed: 4, complete: false })
    expect(calls.map(({ ids }) => ids)).toEqual([
      ['e-0', 'e-1'],
      ['e-2', 'e-3'],
    ])
    // Timers of Node may be a millisecond early.
    expect((calls[1]?.at ?? 0) - (calls[0]?.at ?? 0)).toBeGreaterThanOrEqual(198)
    expect(await letters.replay({ signal: AbortSignal.abort() })).toEqual({ replayed: 0, complete: false })
    expect(await letters.replay({ rate })).toEqual({ replayed: 2, complete: true })
    expect(left()).toEqual([])
  })

  it('refuses bad options', async () => {
    const { letters } = await deadGroup([{}])
    await mqErrorOf(() => letters.replay({ limit: 0 }), 'MQ_INVALID_OPTION')
    await mqErrorOf(() => letters.replay({ rate: { messages: 0, perMs: 1 } }), 'MQ_INVALID_OPTION')
    await mqErrorOf(() => letters.replay({ were: { key: 'a' } } as never), 'MQ_INVALID_OPTION')
    await typeErrorOf(() => letters.replay({ signal: 5 as never }))
  })
})

describe('dead letters of an adapter that lists pages of them', () => {
  const many = Array.from({ length: 10_500 }, (_, index) => ({ key: index < 10_200 ? 'front' : 'behind' }))
  it('are found, replayed, purged and edited wherever they stand', async () => {
    const { letters, left } = await deadGroup(many, { pages: true })
    const where = { key: 'behind' }
    expect((await letters.list({ where, limit: 2 })).map(({ entryId }) => entryId)).toEqual(['e-10200', 'e-10201'])
    expect(await letters.edit('e-10400', { data: 1 })).toMatchObject({ edited: 1 })
    expect(await letters.replay({ where, limit: 100 })).toEqual({ replayed: 100, complete: false })
    expect(await letters.purge({ where })).toEqual({ purged: 199, complete: true })
    expect(left()).toHaveLength(10_200)
    expect(await letters.replay({ where })).toEqual({ replayed: 0, complete: true })
  })

  it('are replayed once each, although all die again, and whether or not they are counted', async () => {
    for (const counts of [true, false]) {
      const { letters, left } = await deadGroup(many.slice(0, 1_200), { pages: true, isBroken: counts, counts })
      expect(await letters.replay({})).toEqual({ replayed: 1_200, complete: true })
      expect(left()).toHaveLength(counts ? 1_200 : 0)
    }
  })

  it('are listed in pages, with their data', async () => {
    const { letters } = await deadGroup([{ data: 'a' }, { data: 'b' }, { data: 'c' }], { pages: true })
    const first = await letters.page({ limit: 2 })
    expect(first.items.map(({ data }) => data)).toEqual(['a', 'b'])
    const second = await letters.page({ limit: 2, after: first.next })
    expect(second.items.map(({ data }) => data)).toEqual(['c'])
    expect(second.next).toBeUndefined()
    await mqErrorOf(() => letters.page({ limit: 0 }), 'MQ_INVALID_OPTION')
  })

  it('are not listed in pages by any other adapter', async () => {
    const { letters } = await deadGroup([{}])
    const error = await mqErrorOf(() => letters.page(), 'MQ_NOT_SUPPORTED')
    expect(error.message).toMatch(
      /in pages; list shows the oldest, 10000 at most; replay or purge those to see the rest$/,
    )
  })
})

describe('an edited dead letter', () => {
  it('is a new message for its group alone, whose cause is the old one, and the entry is gone', async () => {
    const { letters, published, left } = await deadGroup([{ key: 'k', data: { to: 'x' } }, {}])
    const { edited, id } = await letters.edit('e-0', { data: { to: 'y' } })
    expect(edited).toBe(1)
    expect(published).toHaveLength(1)
    expect(published[0]).toMatchObject({ id, key: 'k', type: 't', extensions: { causationid: 'm-0', onlygroup: 'g' } })
    expect(published[0]?.id).not.toBe('m-0')
    expect(published[0]?.extensions.correlationid).toBeDefined()
    expect(JSON.parse(Buffer.from(published[0]?.body ?? []).toString())).toEqual({ to: 'y' })
    expect(left()).toEqual(['e-1'])
    expect(await letters.edit('e-0', { data: { to: 'y' } })).toEqual({ edited: 0 })
  })

  it('has the same id if the same change is repeated, and another for another', async () => {
    const { letters, add } = await deadGroup([{}])
    const first = await letters.edit('e-0', { data: 1 })
    add({}, 0)
    const again = await letters.edit('e-0', { data: 1 })
    add({}, 0)
    const other = await letters.edit('e-0', { data: 2 })
    expect(again.id).toBe(first.id)
    expect(other.id).not.toBe(first.id)
  })

  it('is checked by the schema, and nothing happens if it does not match', async () => {
    const { queue, left, published } = await deadGroup([{}])
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) => (typeof value === 'string' ? { value } : { issues: [{ message: 'no text' }] }),
      },
    } as const
    const letters = (queue as Queue).deadLetters(defineEvent('t', { schema }), 'g')
    await mqErrorOf(() => letters.edit('e-0', { data: 5 }), 'MQ_INVALID_DATA')
    await mqErrorOf(() => letters.edit('e-0', { data: 'x', id: 'y' } as never), 'MQ_INVALID_OPTION')
    expect([left(), published]).toEqual([['e-0'], []])
    await letters.edit('e-0', { data: 'x' })
    expect(left()).toEqual([])
  })

  it('is refused for a tombstone and for a foreign topic', async () => {
    const tombstone = { ...rawMessage({ body: new Uint8Array(), key: 'k' }), extensions: { tombstone: 'true' } }
    const { queue, adapter } = await connected({
      foreignCapabilities: () => ({}),
      deadLetters: { list: async () => [{ entryId: 'e', message: tombstone, failure: failure() }] },
    })
    await mqErrorOf(() => queue.deadLetters('t', 'g').edit('e', { data: 1 }), 'MQ_INVALID_DATA')
    const foreign = defineForeignTopic('legacy', { at: 'place' })
    const other = await connected({
      foreignCapabilities: () => ({}),
      deadLetters: { list: async () => [letterOf(0, {})] },
    })
    await mqErrorOf(() => other.queue.deadLetters(foreign, 'g').edit('e-0', { data: 1 }), 'MQ_NOT_SUPPORTED')
    expect([...adapter.published, ...other.adapter.published]).toEqual([])
  })
})

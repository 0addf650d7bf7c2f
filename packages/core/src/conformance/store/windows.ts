import assert from 'node:assert/strict'
import type { TakeAnswer } from '../../adapter.js'
import { refused } from './refused.js'
import type { StoreKit } from './suite.js'

const callers = Array.from({ length: 50 }, (_, index) => index)
const minute = { windowMs: 60_000 }

const waitOf = (answer: TakeAnswer): number => (answer.granted ? answer.waitMs : answer.retryAfterMs)

export function windowCases({ test, pass, passed, key }: StoreKit): void {
  test('grants as many as the limit in a window, and says when to try again', async (store, other) => {
    const one = key()
    for (let taken = 0; taken < 3; taken++) {
      assert.deepEqual(await store.take(one, { limit: 3, ...minute }), { granted: true, waitMs: 0 })
    }
    const answer = await other.take(one, { limit: 3, ...minute })
    assert.equal(answer.granted, false, 'the fourth call, with a limit of three')
    const afterMs = waitOf(answer)
    assert.ok(afterMs > 50_000 && afterMs <= 61_000, `retryAfterMs is ${afterMs}`)
  })

  test('takes several at once, all or none', async (store) => {
    const one = key()
    assert.equal((await store.take(one, { count: 3, limit: 5, ...minute })).granted, true)
    assert.equal(
      (await store.take(one, { count: 3, limit: 5, ...minute })).granted,
      false,
      'a call for three when two are left',
    )
    assert.equal(
      (await store.take(one, { count: 2, limit: 5, ...minute })).granted,
      true,
      'a call for two when two are left',
    )
    assert.equal((await store.take(one, { limit: 5, ...minute })).granted, false, 'a call when none is left')
    assert.equal((await store.take(one, { limit: 6, ...minute })).granted, true, 'a call with a higher limit')
  })

  test('50 concurrent callers get as many grants as the limit', async (store, other) => {
    const one = key()
    const answers = await Promise.all(
      callers.map((caller) => (caller % 2 === 0 ? store : other).take(one, { limit: 7, ...minute })),
    )
    assert.equal(answers.filter(({ granted }) => granted).length, 7, 'granted calls')
  })

  test('grants again after the reported time, and not before', async (store) => {
    const [one, options] = [key(), { limit: 2, windowMs: 3_000 }]
    for (let taken = 0; taken < 2; taken++) await store.take(one, options)
    await pass(500)
    const answer = await store.take(one, options)
    assert.equal(answer.granted, false, 'a call before the reported time')
    await pass(waitOf(answer) + 5)
    assert.equal((await store.take(one, options)).granted, true, 'a call after the reported time')
  })

  test('no window has more grants than the limit, wherever it begins', async (store, other) => {
    const [one, options] = [key(), { limit: 5, windowMs: 400 }]
    const granted: { readonly askedAt: number; readonly answeredAt: number }[] = []
    for (let step = 0; step < 40; step++) {
      const askedAt = passed()
      const answers = await Promise.all([store, other].map((each) => each.take(one, options)))
      const answeredAt = passed()
      for (const answer of answers) if (answer.granted) granted.push({ askedAt, answeredAt })
      await pass(40)
    }
    for (const [index, { askedAt }] of granted.entries()) {
      const sixth = granted[index + 5]
      // The store decides between request and answer, so this is the longest possible time between six grants.
      const apartMs = (sixth?.answeredAt ?? Number.POSITIVE_INFINITY) - askedAt
      assert.ok(apartMs >= options.windowMs, `six calls were granted within ${apartMs} ms, not five at most`)
    }
    assert.ok(granted.length >= 10, `only ${granted.length} calls were granted, not 10 or more`)
  })

  test('the window slides: a burst at its end counts for the next one', async (store) => {
    const [one, options] = [key(), { limit: 4, windowMs: 2_000 }]
    await store.take(one, options)
    await pass(1_700)
    assert.equal(
      (await store.take(one, { ...options, count: 3 })).granted,
      true,
      'a call for three at the end of the window',
    )
    await pass(500)
    assert.equal(
      (await store.take(one, { ...options, count: 2 })).granted,
      false,
      'a call for two while three still count',
    )
    assert.equal((await store.take(one, options)).granted, true, 'a call once the first no longer counts')
  })

  test('reserves future slots in call order, at most as many per window as the limit', async (store, other) => {
    const [one, options] = [key(), { limit: 5, windowMs: 10_000, maxWaitMs: 3_600_000 }]
    const waits: number[] = []
    for (const caller of callers) {
      const answer = await (caller % 2 === 0 ? store : other).take(one, options)
      assert.equal(answer.granted, true, `call ${caller}`)
      waits.push(waitOf(answer))
    }
    // The calls take time too. Reserved slots begin at the same moments, regardless of when they are requested.
    for (const caller of callers.slice(5)) {
      const apart = (waits[caller] ?? 0) - (waits[caller - 5] ?? 0)
      assert.ok(apart > 9_000, `the slots of the calls ${caller - 5} and ${caller} are ${apart} ms apart`)
    }
    const last = waits.at(-1) ?? 0
    assert.ok(last > 80_000 && last <= 91_000, `the last of 50 waits ${last} ms, not 9 windows`)
    const late = await store.take(one, { limit: 5, windowMs: 10_000 })
    assert.equal(late.granted, false, 'a call that cannot wait, while slots are reserved')
    const beyond = await store.take(one, { ...options, maxWaitMs: 60_000 })
    assert.equal(beyond.granted, false, 'a call that can wait for a minute, while the next slot is later')
  })

  test('50 concurrent callers that may wait share the slots', async (store, other) => {
    const [one, options] = [key(), { limit: 10, windowMs: 60_000, maxWaitMs: 3_600_000 }]
    const answers = await Promise.all(callers.map((caller) => (caller % 2 === 0 ? store : other).take(one, options)))
    const windows = answers.map((answer) => Math.round(waitOf(answer) / 60_600))
    const sizes = [0, 1, 2, 3, 4].map((index) => windows.filter((each) => each === index).length)
    assert.deepEqual(sizes, [10, 10, 10, 10, 10], 'calls in each window')
  })

  test('each key and each window length has a counter of its own', async (store) => {
    const one = key()
    await store.put(one, 'a', { ttlMs: 60_000 })
    const once = async (each: string, windowMs: number): Promise<boolean> =>
      (await store.take(each, { limit: 1, windowMs })).granted
    assert.deepEqual(
      { first: await once(one, 60_000), second: await once(one, 60_000) },
      { first: true, second: false },
    )
    assert.equal(await once(one, 60_001), true, 'a call with another window length')
    assert.equal(await once(`${one}:a`, 60_000), true, 'a call with another key')
    assert.equal(await store.get(one), 'a', 'the value of the same name')
  })

  test('refuses invalid arguments, and takes nothing', async (store) => {
    const one = key()
    const good = { limit: 1, ...minute }
    const bad = [
      { count: 0 },
      { count: 2 },
      { count: 0.5 },
      { limit: 0 },
      { limit: '1' },
      { limit: undefined },
      { windowMs: 0 },
      { windowMs: undefined },
      { windowMs: Number.POSITIVE_INFINITY },
      { maxWaitMs: -1 },
      { maxWaitMs: '1' },
      { window: 1 },
    ]
    for (const wrong of bad) await refused(() => store.take(one, { ...good, ...wrong } as never))
    await refused(() => store.take('', good))
    await refused(() => store.take(one, undefined as never))
    assert.equal((await store.take(one, good)).granted, true, 'a call after refused calls')
  })
}

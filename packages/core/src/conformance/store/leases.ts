import assert from 'node:assert/strict'
import type { LeaseAnswer } from '../../adapter.js'
import { refused } from './refused.js'
import type { StoreKit } from './suite.js'

const ttlMs = 60_000
const callers = Array.from({ length: 50 }, (_, index) => index)

const retryAfterMs = (answer: LeaseAnswer): number => {
  assert.equal(answer.granted, false, 'acquire of a taken lease')
  return answer.granted ? Number.NaN : answer.retryAfterMs
}

export function leaseCases({ test, pass, key }: StoreKit): void {
  test('a name has one holder by default, and a refusal says when to try again', async ({ leases }, other) => {
    const name = key()
    assert.deepEqual(await leases.acquire(name, { holder: 'a', ttlMs }), { granted: true })
    const afterMs = retryAfterMs(await other.leases.acquire(name, { holder: 'b', ttlMs }))
    assert.ok(afterMs > 0 && afterMs <= ttlMs + 10, `retryAfterMs is ${afterMs}`)
  })

  test('a name has as many holders as the limit, and a refusal says when enough leases end', async ({ leases }) => {
    const name = key()
    for (const [index, holder] of ['a', 'b', 'c'].entries()) {
      const answer = await leases.acquire(name, { holder, limit: 3, ttlMs: (index + 1) * 20_000 })
      assert.equal(answer.granted, true, `acquire by ${holder}, with a limit of three`)
    }
    const first = retryAfterMs(await leases.acquire(name, { holder: 'd', limit: 3, ttlMs }))
    assert.ok(first > 10_000 && first <= 20_010, `the first lease ends after ${first} ms, not after 20 s`)
    const third = retryAfterMs(await leases.acquire(name, { holder: 'd', limit: 1, ttlMs }))
    assert.ok(third > 50_000 && third <= 60_010, `the last lease ends after ${third} ms, not after 60 s`)
  })

  test('a holder that acquires again keeps its one lease and restarts its time', async ({ leases }, other) => {
    const name = key()
    await leases.acquire(name, { holder: 'a', limit: 2, ttlMs: 1_000 })
    assert.equal((await other.leases.acquire(name, { holder: 'a', limit: 2, ttlMs })).granted, true)
    assert.equal(
      (await leases.acquire(name, { holder: 'b', limit: 2, ttlMs })).granted,
      true,
      'acquire with one free place',
    )
    assert.equal((await leases.acquire(name, { holder: 'a', limit: 1, ttlMs })).granted, true, 'acquire by a holder')
    await pass(1_100)
    assert.equal(
      (await leases.acquire(name, { holder: 'c', limit: 2, ttlMs })).granted,
      false,
      'acquire of a taken lease, whose time was restarted',
    )
  })

  test('50 concurrent callers get as many leases as the limit', async ({ leases }, other) => {
    const name = key()
    const answers = await Promise.all(
      callers.map((caller) =>
        (caller % 2 === 0 ? leases : other.leases).acquire(name, { holder: `caller ${caller}`, limit: 7, ttlMs }),
      ),
    )
    assert.equal(answers.filter(({ granted }) => granted).length, 7, 'granted leases')
  })

  test('an expired lease is free for others and cannot be renewed', async ({ leases }) => {
    const name = key()
    await leases.acquire(name, { holder: 'a', ttlMs: 1_000 })
    assert.equal(await leases.renew(name, { holder: 'a', ttlMs: 1_000 }), true, 'renewal before the end')
    await pass(1_100)
    assert.equal(await leases.renew(name, { holder: 'a', ttlMs }), false, 'renewal after the end')
    assert.equal((await leases.acquire(name, { holder: 'b', ttlMs })).granted, true, 'acquire after the end')
    assert.equal(await leases.renew(name, { holder: 'a', ttlMs }), false, 'renewal by a former holder')
    await leases.release(name, { holder: 'a' })
    assert.equal(
      await leases.renew(name, { holder: 'b', ttlMs }),
      true,
      'a renewal after a former holder lost its lease',
    )
  })

  test('one expired lease of several frees its place, while the others last', async ({ leases }) => {
    const name = key()
    await leases.acquire(name, { holder: 'short', limit: 2, ttlMs: 1_000 })
    await leases.acquire(name, { holder: 'long', limit: 2, ttlMs })
    await pass(1_100)
    assert.equal(
      await leases.renew(name, { holder: 'short', ttlMs }),
      false,
      'renewal after the end, while another lease lasts',
    )
    assert.equal(
      (await leases.acquire(name, { holder: 'next', limit: 2, ttlMs })).granted,
      true,
      'acquire with one free place',
    )
    assert.equal(
      (await leases.acquire(name, { holder: 'more', limit: 2, ttlMs })).granted,
      false,
      'acquire without a free place',
    )
  })

  test('a lease lasts as long as it is renewed', async ({ leases }, other) => {
    const name = key()
    await leases.acquire(name, { holder: 'a', ttlMs: 2_000 })
    for (let round = 0; round < 4; round++) {
      await pass(800)
      assert.equal(await leases.renew(name, { holder: 'a', ttlMs: 2_000 }), true, `round ${round}`)
      assert.equal((await other.leases.acquire(name, { holder: 'b', ttlMs })).granted, false, `round ${round}`)
    }
  })

  test('only its holder can renew or release a lease', async ({ leases }, other) => {
    const name = key()
    await leases.acquire(name, { holder: 'a', ttlMs })
    assert.equal(await leases.renew(name, { holder: 'b', ttlMs }), false)
    assert.equal(await leases.renew(key(), { holder: 'a', ttlMs }), false, 'renewal of another name')
    await leases.release(name, { holder: 'b' })
    assert.equal((await other.leases.acquire(name, { holder: 'b', ttlMs })).granted, false, 'acquire of a taken lease')
    await leases.release(name, { holder: 'a' })
    assert.equal((await other.leases.acquire(name, { holder: 'b', ttlMs })).granted, true, 'acquire after a release')
    await leases.release(name, { holder: 'a' })
    assert.equal(
      await other.leases.renew(name, { holder: 'b', ttlMs }),
      true,
      'renewal after a second release by the former holder',
    )
  })

  test('leases, values and counters of one name are separate', async (store) => {
    const name = key()
    await store.put(name, 'a', { ttlMs })
    await store.leases.acquire(name, { holder: 'a', ttlMs })
    assert.equal(await store.get(name), 'a')
    for (const kind of ['lease', 'leases', '~lease', '~~lease']) {
      assert.equal(await store.get(`${kind}:${name}`), undefined, kind)
      await store.put(`${kind}:${name}`, 'b', { ttlMs })
    }
    assert.equal(await store.leases.renew(name, { holder: 'a', ttlMs }), true)
  })

  test('refuses invalid arguments, and gives nothing', async ({ leases }) => {
    const name = key()
    const good = { holder: 'a', ttlMs }
    const bad = [undefined, { holder: '' }, { holder: 1 }, { ttlMs: 0 }, { ttlMs: Number.NaN }, { hodler: 'a' }]
    for (const wrong of bad) {
      const options = (wrong === undefined ? undefined : { ...good, ...wrong }) as never
      await refused(() => leases.acquire(name, options))
      await refused(() => leases.renew(name, options))
      if (wrong === undefined || !('ttlMs' in wrong)) await refused(() => leases.release(name, options))
    }
    for (const limit of [0, 1.5, '1', Number.POSITIVE_INFINITY]) {
      await refused(() => leases.acquire(name, { ...good, limit: limit as number }))
    }
    await refused(() => leases.acquire('', good))
    await refused(() => leases.renew('k'.repeat(2_000), good))
    await refused(() => leases.release(1 as never, { holder: 'a' }))
    assert.equal(await leases.renew(name, good), false, 'renewal after refused calls')
  })
}

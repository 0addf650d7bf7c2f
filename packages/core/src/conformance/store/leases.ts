import assert from 'node:assert/strict'
import type { LeaseAnswer } from '../../adapter.js'
import { refused } from './refused.js'
import type { StoreKit } from './suite.js'

const ttlMs = 60_000
const callers = Array.from({ length: 50 }, (_, index) => index)

const retryAfterMs = (answer: LeaseAnswer): number => {
  assert.equal(answer.granted, false, 'taken')
  return answer.granted ? Number.NaN : answer.retryAfterMs
}

export function leaseCases({ test, pass, key }: StoreKit): void {
  test('a name has one holder unless more may be, and says when to try again', async ({ leases }, other) => {
    const name = key()
    assert.deepEqual(await leases.acquire(name, { holder: 'a', ttlMs }), { granted: true })
    const afterMs = retryAfterMs(await other.leases.acquire(name, { holder: 'b', ttlMs }))
    assert.ok(afterMs > 0 && afterMs <= ttlMs + 10, `try again after ${afterMs} ms`)
  })

  test('a name has as many holders as may be, and says when enough of them end', async ({ leases }) => {
    const name = key()
    for (const [index, holder] of ['a', 'b', 'c'].entries()) {
      const answer = await leases.acquire(name, { holder, limit: 3, ttlMs: (index + 1) * 20_000 })
      assert.equal(answer.granted, true, `${holder} is one of three`)
    }
    const first = retryAfterMs(await leases.acquire(name, { holder: 'd', limit: 3, ttlMs }))
    assert.ok(first > 10_000 && first <= 20_010, `the first ends after ${first} ms`)
    const third = retryAfterMs(await leases.acquire(name, { holder: 'd', limit: 1, ttlMs }))
    assert.ok(third > 50_000 && third <= 60_010, `the last ends after ${third} ms`)
  })

  test('a holder that acquires again keeps its one lease, with the time anew', async ({ leases }, other) => {
    const name = key()
    await leases.acquire(name, { holder: 'a', limit: 2, ttlMs: 1_000 })
    assert.equal((await other.leases.acquire(name, { holder: 'a', limit: 2, ttlMs })).granted, true)
    assert.equal((await leases.acquire(name, { holder: 'b', limit: 2, ttlMs })).granted, true, 'one place was left')
    assert.equal((await leases.acquire(name, { holder: 'a', limit: 1, ttlMs })).granted, true, 'it has one already')
    await pass(1_100)
    assert.equal((await leases.acquire(name, { holder: 'c', limit: 2, ttlMs })).granted, false, 'the time began anew')
  })

  test('50 callers at the same time get as many leases as there may be', async ({ leases }, other) => {
    const name = key()
    const answers = await Promise.all(
      callers.map((caller) =>
        (caller % 2 === 0 ? leases : other.leases).acquire(name, { holder: `caller ${caller}`, limit: 7, ttlMs }),
      ),
    )
    assert.equal(answers.filter(({ granted }) => granted).length, 7, 'granted')
  })

  test('a lease that is over is free for others, and for nobody to renew', async ({ leases }) => {
    const name = key()
    await leases.acquire(name, { holder: 'a', ttlMs: 1_000 })
    assert.equal(await leases.renew(name, { holder: 'a', ttlMs: 1_000 }), true, 'not yet over')
    await pass(1_100)
    assert.equal(await leases.renew(name, { holder: 'a', ttlMs }), false, 'over')
    assert.equal((await leases.acquire(name, { holder: 'b', ttlMs })).granted, true, 'free')
    assert.equal(await leases.renew(name, { holder: 'a', ttlMs }), false, 'another one has it')
    await leases.release(name, { holder: 'a' })
    assert.equal(await leases.renew(name, { holder: 'b', ttlMs }), true, 'who lost a lease takes none away')
  })

  test('a lease of several that is over gives its place back, while the others last', async ({ leases }) => {
    const name = key()
    await leases.acquire(name, { holder: 'short', limit: 2, ttlMs: 1_000 })
    await leases.acquire(name, { holder: 'long', limit: 2, ttlMs })
    await pass(1_100)
    assert.equal(await leases.renew(name, { holder: 'short', ttlMs }), false, 'over, though the name has a holder')
    assert.equal((await leases.acquire(name, { holder: 'next', limit: 2, ttlMs })).granted, true, 'a place is free')
    assert.equal((await leases.acquire(name, { holder: 'more', limit: 2, ttlMs })).granted, false, 'the other lasts')
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
    assert.equal(await leases.renew(key(), { holder: 'a', ttlMs }), false, 'of another name')
    await leases.release(name, { holder: 'b' })
    assert.equal((await other.leases.acquire(name, { holder: 'b', ttlMs })).granted, false, 'still taken')
    await leases.release(name, { holder: 'a' })
    assert.equal((await other.leases.acquire(name, { holder: 'b', ttlMs })).granted, true, 'given back')
    await leases.release(name, { holder: 'a' })
    assert.equal(await other.leases.renew(name, { holder: 'b', ttlMs }), true, 'given back once')
  })

  test('leases, values and counters of one name do not meet', async (store) => {
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

  test('refuses arguments that make no sense, and gives nothing', async ({ leases }) => {
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
    assert.equal(await leases.renew(name, good), false, 'nothing was given')
  })
}

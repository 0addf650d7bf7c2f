import assert from 'node:assert/strict'
import { refused } from './refused.js'
import type { StoreKit } from './suite.js'

const long = { ttlMs: 60_000 }
const callers = Array.from({ length: 50 }, (_, index) => index)

export function swapCases({ test, pass, key }: StoreKit): void {
  test('replaces the value that is expected, and no other', async (store, other) => {
    const one = key()
    await store.put(one, 'a', long)
    assert.equal(
      await other.compareAndSet(one, 'c', { expected: 'b', ...long }),
      false,
      'a call with another expected value',
    )
    assert.equal(await store.get(one), 'a')
    assert.equal(
      await other.compareAndSet(one, 'b', { expected: 'a', ...long }),
      true,
      'a call with the right expected value',
    )
    assert.equal(await store.get(one), 'b')
  })

  test('compares the whole value, even if it is empty', async (store) => {
    const one = key()
    await store.put(one, '', long)
    assert.equal(
      await store.compareAndSet(one, 'a', { expected: ' ', ...long }),
      false,
      'a call that expects a space in place of the empty value',
    )
    assert.equal(
      await store.compareAndSet(one, 'ä'.repeat(1_000), { expected: '', ...long }),
      true,
      'a call that expects the empty value',
    )
    const almost = `${'ä'.repeat(999)}a`
    assert.equal(
      await store.compareAndSet(one, 'b', { expected: almost, ...long }),
      false,
      'a call whose expected value differs in the last letter',
    )
  })

  test('changes no free and no expired key', async (store) => {
    const [free, over] = [key(), key()]
    await store.put(over, 'a', { ttlMs: 1_000 })
    await pass(1_100)
    for (const each of [free, over]) {
      assert.equal(
        await store.compareAndSet(each, 'b', { expected: 'a', ...long }),
        false,
        'a call on a key without a value',
      )
      assert.equal(
        await store.compareAndSet(each, 'b', { expected: '', ...long }),
        false,
        'a call that expects the empty value of a free key',
      )
      assert.equal(await store.get(each), undefined)
    }
  })

  test('restarts the time if it replaces the value, and keeps it otherwise', async (store) => {
    const [kept, replaced] = [key(), key()]
    for (const each of [kept, replaced]) await store.put(each, 'a', { ttlMs: 1_000 })
    await store.compareAndSet(kept, 'b', { expected: 'x', ...long })
    await store.compareAndSet(replaced, 'b', { expected: 'a', ...long })
    await pass(1_100)
    assert.equal(await store.get(kept), undefined, 'the value after its time, which a refused call does not prolong')
    assert.equal(await store.get(replaced), 'b', 'the new value, which has its own time')
    await store.compareAndSet(replaced, 'c', { expected: 'b', ttlMs: 1_000 })
    await pass(1_100)
    assert.equal(await store.get(replaced), undefined, 'the value after its shorter time')
  })

  test('50 concurrent callers that expect the same value have one winner', async (store, other) => {
    const one = key()
    await store.put(one, 'start', long)
    const won = await Promise.all(
      callers.map((caller) =>
        (caller % 2 === 0 ? store : other).compareAndSet(one, `caller ${caller}`, { expected: 'start', ...long }),
      ),
    )
    const winners = callers.filter((caller) => won[caller])
    assert.equal(winners.length, 1, `winners: ${winners.join(', ')}`)
    assert.equal(await store.get(one), `caller ${winners[0]}`)
  })

  test('50 callers that increment a counter lose no step', async (store, other) => {
    const one = key()
    await store.put(one, '0', long)
    const step = async (caller: number): Promise<void> => {
      const mine = caller % 2 === 0 ? store : other
      for (;;) {
        const expected = (await mine.get(one)) ?? ''
        if (await mine.compareAndSet(one, String(Number(expected) + 1), { expected, ...long })) return
      }
    }
    await Promise.all(callers.map(step))
    assert.equal(await store.get(one), '50')
  })

  test('refuses invalid arguments, and changes nothing', async (store) => {
    const one = key()
    await store.put(one, 'a', long)
    const call = (...args: readonly unknown[]) => store.compareAndSet(...(args as unknown as [string, string, never]))
    const good = { expected: 'a', ...long }
    await refused(() => call('', 'b', good))
    await refused(() => call(one, 1, good))
    await refused(() => call(one, 'b', undefined))
    for (const bad of [{ expected: undefined }, { expected: 1 }, { ttlMs: 0 }, { ttlMs: '1' }, { ttl: 1 }]) {
      await refused(() => call(one, 'b', { ...good, ...bad }))
    }
    assert.equal(await store.get(one), 'a')
  })
}

export function removalCases({ test, pass, key }: StoreKit): void {
  test('removes a key and reports that; the key is free afterwards', async (store, other) => {
    const one = key()
    await store.put(one, 'a', long)
    assert.equal(await other.delete(one), true, 'removal of an existing key')
    assert.equal(await store.get(one), undefined)
    assert.equal(await store.delete(one), false, 'removal of a removed key')
    assert.equal(await store.claim(one, 'b', long), 'b')
  })

  test('removes only the value that is expected', async (store) => {
    const one = key()
    await store.put(one, 'a', long)
    assert.equal(await store.delete(one, { expected: 'b' }), false, 'a call with another expected value')
    assert.equal(await store.delete(one, { expected: '' }), false, 'a call with an empty expected value')
    assert.equal(await store.get(one), 'a')
    assert.equal(await store.delete(one, { expected: 'a' }), true, 'a call with the right expected value')
    assert.equal(await store.get(one), undefined)
  })

  test('finds nothing to remove once a key has expired', async (store) => {
    const [plain, conditional] = [key(), key()]
    for (const each of [plain, conditional]) await store.put(each, 'a', { ttlMs: 1_000 })
    await pass(1_100)
    assert.equal(await store.delete(plain), false)
    assert.equal(await store.delete(conditional, { expected: 'a' }), false)
  })

  test('50 concurrent callers remove a key once', async (store, other) => {
    for (const options of [{}, { expected: 'a' }]) {
      const one = key()
      await store.put(one, 'a', long)
      const removed = await Promise.all(
        callers.map((caller) => (caller % 2 === 0 ? store : other).delete(one, options)),
      )
      assert.equal(removed.filter(Boolean).length, 1, `removed with ${JSON.stringify(options)}`)
    }
  })

  test('refuses invalid arguments, including an undefined expected value, and removes nothing', async (store) => {
    const one = key()
    await store.put(one, 'a', long)
    const call = (...args: readonly unknown[]) => store.delete(...(args as unknown as [string, object]))
    await refused(() => call(''))
    await refused(() => call(1))
    for (const bad of [null, 'a', { expected: undefined }, { expected: 1 }, { expcted: 'a' }]) {
      await refused(() => call(one, bad))
    }
    assert.equal(await store.get(one), 'a')
  })
}

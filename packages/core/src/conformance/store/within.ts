import assert from 'node:assert/strict'
import type { CompleteStore, TaskStore } from '../../adapter.js'
import { runnerOf } from '../../adapter.js'
import type { It } from '../runner/register.js'
import type { BegunTransaction } from '../subject.js'

interface WithinParts {
  readonly it: It
  readonly begin: () => Promise<BegunTransaction>
  readonly open: () => Promise<readonly [TaskStore, TaskStore]>
  readonly key: () => string
}

const ttlMs = 60_000

export function withinCases({ it, begin, open, key }: WithinParts): void {
  function test(
    name: string,
    run: (store: CompleteStore, begun: BegunTransaction, joined: TaskStore) => Promise<void>,
  ) {
    it(`within: ${name}`, async () => {
      const [store] = await open()
      const begun = await begin()
      const joined = store.within?.(runnerOf(begun.transaction))
      assert.ok(joined, 'the store has no within')
      await run(store as CompleteStore, begun, joined)
    })
  }

  test('what is done in a transaction counts once that commits', async (store, { commit }, joined) => {
    const [claimed, put, removed] = [key(), key(), key()]
    await store.put(removed, 'a', { ttlMs })
    assert.equal(await joined.claim(claimed, 'a', { ttlMs }), 'a')
    await joined.put(put, 'b', { ttlMs })
    assert.equal(await joined.get(put), 'b', 'within the transaction')
    assert.equal(await joined.delete?.(removed), true)
    assert.deepEqual(
      await Promise.all([claimed, put, removed].map((each) => store.get(each))),
      [undefined, undefined, 'a'],
      'before the commit',
    )
    await commit()
    assert.deepEqual(
      await Promise.all([claimed, put, removed].map((each) => store.get(each))),
      ['a', 'b', undefined],
      'after the commit',
    )
  })

  test('what is done in a transaction is undone with it', async (store, { rollback }, joined) => {
    const [claimed, changed] = [key(), key()]
    await store.put(changed, 'a', { ttlMs })
    await joined.claim(claimed, 'a', { ttlMs })
    assert.equal(await joined.compareAndSet?.(changed, 'b', { expected: 'a', ttlMs }), true)
    await rollback()
    assert.equal(await store.get(claimed), undefined)
    assert.equal(await store.get(changed), 'a')
    assert.equal(await store.claim(claimed, 'c', { ttlMs }), 'c')
  })

  test('a claim waits for a transaction that has claimed the key, and gets its value', async (store, {
    commit,
  }, joined) => {
    const one = key()
    await joined.claim(one, 'first', { ttlMs })
    const claiming = store.claim(one, 'second', { ttlMs })
    await commit()
    assert.equal(await claiming, 'first')
  })
}

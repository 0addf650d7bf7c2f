import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { isMqError, type TaskStore } from '../../index.js'
import { sleep } from '../kit/wait.js'

/** Of vitest, `node:test`, mocha or jest. */
export interface StoreRunner {
  describe(name: string, register: () => void): unknown
  it(name: string, run: () => Promise<void>): unknown
}

export interface StoreSubject {
  /** Two ways to the same entries: of two processes, where they can be shared. */
  open(): Promise<readonly [TaskStore, TaskStore]>
  /** Lets time pass for the store. Real time where none is given. */
  sleep?(ms: number): Promise<void>
}

const long = { ttlMs: 60_000 }

/** Registers a test for each promise of a `TaskStore`. */
export function storeConformance({ describe, it }: StoreRunner, subject: StoreSubject): void {
  const pass = subject.sleep ?? sleep
  const key = (): string => `store/${randomUUID()}`

  describe('conformance of a store', () => {
    it('a free key goes to the first claim, and every later one is told its value', async () => {
      const [store, other] = await subject.open()
      const one = key()
      assert.equal(await store.claim(one, 'first', long), 'first')
      assert.equal(await store.claim(one, 'second', long), 'first')
      assert.equal(await other.claim(one, 'third', long), 'first')
      assert.equal(await other.get(one), 'first')
    })

    it('claims at the same time have one winner, whom all of them name', async () => {
      const [store, other] = await subject.open()
      const one = key()
      const claims = Array.from({ length: 50 }, (_, index) =>
        (index % 2 === 0 ? store : other).claim(one, `claim ${index}`, long),
      )
      const winners = new Set(await Promise.all(claims))
      assert.equal(winners.size, 1)
      assert.deepEqual([await store.get(one)], [...winners])
    })

    it('a value that is put replaces any other, and is read as it was written', async () => {
      const [store, other] = await subject.open()
      const one = key()
      assert.equal(await store.get(one), undefined)
      for (const value of ['', 'a', '{"text":"ä€😀\\n"}', 'x'.repeat(100_000)]) {
        await store.put(one, value, long)
        assert.equal(await other.get(one), value)
      }
      assert.equal(await other.claim(one, 'claimed', long), 'x'.repeat(100_000))
    })

    it('an empty value holds its key', async () => {
      const [store] = await subject.open()
      const one = key()
      await store.claim(one, '', long)
      assert.equal(await store.claim(one, 'second', long), '')
    })

    it('keys that are alike do not meet', async () => {
      const [store] = await subject.open()
      const one = key()
      const keys = [one, `${one} `, `${one}/a`, `${one}:a`, one.toUpperCase(), `${one}*`, `${one}ä`]
      for (const [index, each] of keys.entries()) await store.put(each, String(index), long)
      assert.deepEqual(await Promise.all(keys.map((each) => store.get(each))), Object.keys(keys))
    })

    it('what was claimed or put is there until its time is over, and free after that', async () => {
      const [store] = await subject.open()
      const [claimed, put] = [key(), key()]
      await store.claim(claimed, 'a', { ttlMs: 1_000 })
      await store.put(put, 'a', { ttlMs: 1_000 })
      assert.deepEqual([await store.get(claimed), await store.get(put)], ['a', 'a'])
      await pass(1_100)
      assert.deepEqual([await store.get(claimed), await store.get(put)], [undefined, undefined])
      assert.equal(await store.claim(claimed, 'b', long), 'b')
    })

    it('a claim that is lost does not prolong the one that was won; a put begins the time anew', async () => {
      const [store] = await subject.open()
      const [claimed, put] = [key(), key()]
      await store.claim(claimed, 'a', { ttlMs: 1_000 })
      await store.put(put, 'a', { ttlMs: 1_000 })
      await store.claim(claimed, 'b', long)
      await store.put(put, 'b', long)
      await pass(1_100)
      assert.deepEqual([await store.get(claimed), await store.get(put)], [undefined, 'b'])
    })

    it('refuses what is no key, no value and no time, and keeps nothing of it', async () => {
      const [store] = await subject.open()
      const one = key()
      const refused = async (call: () => Promise<unknown>): Promise<void> => {
        const error = await call().then(
          () => undefined,
          (reason: unknown) => reason,
        )
        assert.ok(error instanceof TypeError || isMqError(error, 'MQ_INVALID_OPTION'), `refused, not ${String(error)}`)
      }
      for (const bad of [undefined, 1, '', 'k'.repeat(2_000)]) {
        await refused(() => store.get(bad as string))
        await refused(() => store.put(bad as string, 'a', long))
      }
      for (const ttlMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '1', undefined]) {
        await refused(() => store.put(one, 'a', { ttlMs: ttlMs as number }))
        await refused(() => store.claim(one, 'a', { ttlMs: ttlMs as number }))
      }
      await refused(() => store.put(one, 1 as unknown as string, long))
      assert.equal(await store.get(one), undefined)
    })
  })
}

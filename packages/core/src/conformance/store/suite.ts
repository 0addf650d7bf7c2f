import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { CompleteStore, OptionalStoreMember, TaskStore } from '../../adapter.js'
import { keysOf } from '../../adapter.js'
import { sleep } from '../kit/wait.js'
import type { It } from '../runner/register.js'
import type { BegunTransaction } from '../subject.js'
import { leaseCases } from './leases.js'
import { refused } from './refused.js'
import { removalCases, swapCases } from './swaps.js'
import { windowCases } from './windows.js'
import { withinCases } from './within.js'

/** The functions of vitest, `node:test`, mocha or jest. */
export interface StoreRunner {
  describe(name: string, register: () => void): unknown
  readonly it: It
}

/** The store that is tested. */
export interface StoreSubject {
  /** Opens two stores with the same entries, as two processes would if entries can be shared. */
  open(): Promise<readonly [TaskStore, TaskStore]>
  /** Advances the clock of the store. Default: waits in real time. */
  sleep?(ms: number): Promise<void>
  /**
   * The optional members that the store does not have. Their cases are skipped, each with the reason in its name.
   * Default: none.
   */
  readonly lacks?: readonly OptionalStoreMember[]
  /** Begins a transaction in the database of the store. Without it, there are no cases of `within`. */
  begin?(): Promise<BegunTransaction>
}

/** The tools of the cases of one member. */
export interface StoreKit {
  /** Registers a test that gets two stores with the same entries, both of which have the member. */
  test(name: string, run: (store: CompleteStore, other: CompleteStore) => Promise<void>): void
  pass(ms: number): Promise<void>
  /** Returns the time on the clock of the store in ms, from any starting point. */
  passed(): number
  /** Returns a key that no other case has. */
  key(): string
}

const long = { ttlMs: 60_000 }

const optionalMembers = keysOf<Record<OptionalStoreMember, true>>()({
  compareAndSet: true,
  delete: true,
  leases: true,
  take: true,
})

const casesOf: Readonly<Record<OptionalStoreMember, (kit: StoreKit) => void>> = {
  compareAndSet: swapCases,
  delete: removalCases,
  leases: leaseCases,
  take: windowCases,
}

/** Registers a test for each promise of a `TaskStore`. */
export function storeConformance({ describe, it }: StoreRunner, subject: StoreSubject): void {
  let sleptMs = 0
  const pass = async (ms: number): Promise<void> => {
    await (subject.sleep?.(ms) ?? sleep(ms))
    sleptMs += ms
  }
  const passed = (): number => (subject.sleep === undefined ? performance.now() : sleptMs)
  const lacks = subject.lacks ?? []
  const key = (): string => `store/${randomUUID()}`

  describe('conformance of a store', () => {
    it('a free key goes to the first claim, and every later claim gets its value', async () => {
      const [store, other] = await subject.open()
      const one = key()
      assert.equal(await store.claim(one, 'first', long), 'first')
      assert.equal(await store.claim(one, 'second', long), 'first')
      assert.equal(await other.claim(one, 'third', long), 'first')
      assert.equal(await other.get(one), 'first')
    })

    it('concurrent claims have one winner, whose value all of them get', async () => {
      const [store, other] = await subject.open()
      const one = key()
      const claims = Array.from({ length: 50 }, (_, index) =>
        (index % 2 === 0 ? store : other).claim(one, `claim ${index}`, long),
      )
      const winners = new Set(await Promise.all(claims))
      assert.equal(winners.size, 1)
      assert.equal(await store.get(one), [...winners][0])
    })

    it('put replaces any value, and get reads the value as it was written', async () => {
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

    it('similar keys are separate', async () => {
      const [store] = await subject.open()
      const one = key()
      const keys = [one, `${one} `, `${one}/a`, `${one}:a`, one.toUpperCase(), `${one}*`, `${one}ä`]
      for (const [index, each] of keys.entries()) await store.put(each, String(index), long)
      assert.deepEqual(await Promise.all(keys.map((each) => store.get(each))), Object.keys(keys))
    })

    it('a claimed or put value exists until its time is over, and its key is free after that', async () => {
      const [store] = await subject.open()
      const [claimed, put] = [key(), key()]
      await store.claim(claimed, 'a', { ttlMs: 1_000 })
      await store.put(put, 'a', { ttlMs: 1_000 })
      assert.deepEqual({ claimed: await store.get(claimed), put: await store.get(put) }, { claimed: 'a', put: 'a' })
      await pass(1_100)
      assert.deepEqual(
        { claimed: await store.get(claimed), put: await store.get(put) },
        { claimed: undefined, put: undefined },
      )
      assert.equal(await store.claim(claimed, 'b', long), 'b')
    })

    it('a lost claim does not prolong the winning one; a put restarts the time', async () => {
      const [store] = await subject.open()
      const [claimed, put] = [key(), key()]
      await store.claim(claimed, 'a', { ttlMs: 1_000 })
      await store.put(put, 'a', { ttlMs: 1_000 })
      await store.claim(claimed, 'b', long)
      await store.put(put, 'b', long)
      await pass(1_100)
      assert.deepEqual(
        { claimed: await store.get(claimed), put: await store.get(put) },
        { claimed: undefined, put: 'b' },
      )
    })

    it('an invalid key, value or time is refused, and nothing is stored', async () => {
      const [store] = await subject.open()
      const one = key()
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

    it('has each optional member that it does not name as lacking, and none that it does', async () => {
      const [store] = await subject.open()
      const absent = optionalMembers.filter((name) => store[name] === undefined)
      assert.deepEqual(
        absent,
        optionalMembers.filter((name) => lacks.includes(name)),
        'absent members, compared with `lacks`',
      )
    })

    for (const member of optionalMembers) {
      const test: StoreKit['test'] = (name, run) => {
        const title = `${member}: ${name}`
        if (lacks.includes(member)) return void it.skip(`${title} (the store has no ${member})`, async () => {})
        it(title, async () => {
          const [store, other] = await subject.open()
          await run(store as CompleteStore, other as CompleteStore)
        })
      }
      casesOf[member]({ test, pass, passed, key })
    }
    if (subject.begin !== undefined)
      withinCases({ it, begin: subject.begin.bind(subject), open: () => subject.open(), key })
  })
}

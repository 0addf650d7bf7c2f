import { describe, expect, it } from 'vitest'
import { type CompleteStore, requireStoreMember, storeChecks } from '../src/adapter.js'
import { storeConformance } from '../src/conformance/index.js'
import { createQueue, createScheduler, type TaskStore } from '../src/index.js'
import { mqErrorOf } from './support/errors.js'
import { fakeAdapter } from './support/fake-adapter.js'

const nothing = async (): Promise<never> => undefined as never
/** As a store was before it could be asked for more. */
const old: TaskStore = { claim: async (_, value) => value, put: nothing, get: nothing }
const leases = { acquire: nothing, renew: nothing, release: nothing }
const full: CompleteStore = { ...old, compareAndSet: nothing, delete: nothing, leases, take: nothing }
const schedulerWith = (store: unknown) => createScheduler(createQueue(fakeAdapter()), { store: store as TaskStore })

describe('the store of a scheduler', () => {
  it('may lack every optional member', () => {
    expect(() => schedulerWith(old)).not.toThrow()
    expect(() => schedulerWith(full)).not.toThrow()
  })

  it.each(['claim', 'put', 'get'])('may not lack %s', (name) => {
    expect(() => schedulerWith({ ...full, [name]: undefined })).toThrow(`This is no store: it has no store.${name}`)
  })

  it.each(['claim', 'compareAndSet', 'delete', 'leases', 'take'])('may not have a %s of a wrong type', (name) => {
    expect(() => schedulerWith({ ...full, [name]: 5 })).toThrow(TypeError)
    expect(() => schedulerWith({ ...full, [name]: 5 })).toThrow(`store.${name} must be a`)
  })

  it.each(['acquire', 'renew', 'release'])('may not have leases without %s', (name) => {
    const store = { ...full, leases: { ...leases, [name]: undefined } }
    expect(() => schedulerWith(store)).toThrow(`it has no store.leases.${name}`)
  })
})

describe('requireStoreMember', () => {
  it.each(['compareAndSet', 'delete', 'leases', 'take'] as const)(
    'refuses a store that has no %s by its name',
    async (name) => {
      const error = await mqErrorOf(async () => requireStoreMember(old, name, 'A limit'), 'MQ_NOT_SUPPORTED')
      expect(error.message).toBe(`A limit needs a store with '${name}', and this one has none`)
      expect(() => requireStoreMember(full, name, 'A limit')).not.toThrow()
    },
  )
})

describe('storeChecks', () => {
  it('return every default, and times in whole milliseconds', () => {
    expect(storeChecks.acquire('n', { holder: 'h', ttlMs: 1.2 })).toEqual({ holder: 'h', ttlMs: 2, limit: 1 })
    expect(storeChecks.renew('n', { holder: 'h', ttlMs: 1.2 })).toEqual({ holder: 'h', ttlMs: 2 })
    expect(storeChecks.release('n', { holder: 'h' })).toEqual({ holder: 'h' })
    expect(storeChecks.take('k', { limit: 5, windowMs: 1.5 })).toEqual({
      count: 1,
      limit: 5,
      windowMs: 2,
      maxWaitMs: 0,
    })
    expect(storeChecks.delete('k', {})).toEqual({})
    expect(storeChecks.compareAndSet('k', 'b', { expected: 'a', ttlMs: 1.5 })).toEqual({ expected: 'a', ttlMs: 2 })
  })
})

describe('storeConformance', () => {
  function casesFor(store: TaskStore, lacks?: readonly ('compareAndSet' | 'delete' | 'leases' | 'take')[]) {
    const ran = new Map<string, () => Promise<void>>()
    const skipped: string[] = []
    const register = (name: string, run: () => Promise<void>): void => void ran.set(name, run)
    const runner = {
      describe: (_: string, work: () => void) => work(),
      it: Object.assign(register, { skip: (name: string) => void skipped.push(name) }),
    }
    storeConformance(runner, { open: async () => [store, store], ...(lacks && { lacks }) })
    return { ran, skipped, names: [...ran.keys()] }
  }
  const census = 'has each optional member that it does not name as lacking, and none that it does'

  it('skips the cases of a member that the store lacks, with the reason in their names', async () => {
    const { ran, names, skipped } = casesFor(old, ['compareAndSet', 'delete', 'leases', 'take'])
    expect(skipped.length).toBeGreaterThan(25)
    for (const name of skipped) expect(name).toMatch(/^(\w+): .* \(the store has no \1\)$/)
    expect(names.some((name) => /^(compareAndSet|delete|leases|take): /.test(name))).toBe(false)
    await ran.get(census)?.()
  })

  it('skips nothing for a store that has all, and as many cases in all', () => {
    const all = casesFor(full)
    expect(all.skipped).toEqual([])
    const some = casesFor(old, ['leases', 'take'])
    expect(some.names.length + some.skipped.length).toBe(all.names.length)
    expect(some.names.filter((name) => name.startsWith('delete: ')).length).toBeGreaterThan(3)
  })

  it('fails where a member is absent that nobody named as lacking, and where one is there that somebody did', async () => {
    await expect(casesFor(old, ['leases', 'take', 'delete']).ran.get(census)?.()).rejects.toThrow('compareAndSet')
    await expect(casesFor(full, ['leases']).ran.get(census)?.()).rejects.toThrow('leases')
    await expect(casesFor(full).ran.get(census)?.()).resolves.toBeUndefined()
  })
})

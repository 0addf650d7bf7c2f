import { requireEntry, storeChecks } from '../../adapter.js'
import type { TaskStore } from '../../index.js'

/** The store that all schedulers of one case share. */
export interface CaseStore
  extends Omit<TaskStore, 'compareAndSet' | 'delete'>,
    Required<Pick<TaskStore, 'compareAndSet' | 'delete'>> {
  /** Advances the clock of this store alone. */
  pass(ms: number): void
}

export function createCaseStore(): CaseStore {
  let passedMs = 0
  const now = (): number => Date.now() + passedMs
  const entries = new Map<string, { readonly value: string; readonly until: number }>()
  const find = (key: string): string | undefined => {
    const found = entries.get(key)
    return found !== undefined && found.until > now() ? found.value : undefined
  }
  const set = (key: string, value: string, ttlMs: number): void =>
    void entries.set(key, { value, until: now() + ttlMs })
  return {
    async claim(key, value, options) {
      requireEntry(key, { value, options })
      const found = find(key)
      if (found === undefined) set(key, value, options.ttlMs)
      return found ?? value
    },
    async put(key, value, options) {
      requireEntry(key, { value, options })
      set(key, value, options.ttlMs)
    },
    get: async (key) => find(key),
    async compareAndSet(key, value, options) {
      const { expected, ttlMs } = storeChecks.compareAndSet(key, value, options)
      const isExpected = find(key) === expected
      if (isExpected) set(key, value, ttlMs)
      return isExpected
    },
    async delete(key, options = {}) {
      const { expected } = storeChecks.delete(key, options)
      const found = find(key)
      if (found === undefined || (expected !== undefined && found !== expected)) return false
      return entries.delete(key)
    },
    pass(ms) {
      passedMs += ms
    },
  }
}

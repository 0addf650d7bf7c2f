import { type Clock, MqError, requireEntry, systemClock, type TaskStore } from '@mq/core/adapter'

export interface MemoryStoreOptions {
  /** The test clock that the adapter has, so that entries expire by it. The real time where none is given. */
  readonly clock?: Clock
  /** Beyond it a new key is refused: giving up an older one would break what it stands for. 1,000,000 where none is given. */
  readonly maxEntries?: number
}

interface Entry {
  readonly value: string
  readonly until: number
}

/** Fewer than these are never looked through for what has expired. */
const leastToSweep = 1_000

/**
 * A store for the tasks of this process. Everything it holds is gone with its process.
 * Throws `MQ_INVALID_OPTION`; a full store rejects with `MQ_BACKPRESSURE`.
 */
export function memoryStore(options: MemoryStoreOptions = {}): TaskStore {
  const { clock = systemClock, maxEntries = 1_000_000, ...others } = options
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw new MqError('MQ_INVALID_OPTION', `memoryStore() has no option '${unknown}'`)
  if (!Number.isSafeInteger(maxEntries) || maxEntries < 1) {
    throw new MqError('MQ_INVALID_OPTION', `maxEntries must be a whole number from 1, not ${String(maxEntries)}`)
  }
  const entries = new Map<string, Entry>()
  let sweepAt = leastToSweep

  const find = (key: string): string | undefined => {
    const found = entries.get(key)
    if (found === undefined || found.until > clock.now()) return found?.value
    entries.delete(key)
    return undefined
  }
  /** Looks at all of them only once they have doubled: each write pays for a part of one sweep. */
  const sweep = (): void => {
    if (entries.size < sweepAt && entries.size < maxEntries) return
    const now = clock.now()
    for (const [key, { until }] of entries) if (until <= now) entries.delete(key)
    sweepAt = Math.max(leastToSweep, entries.size * 2)
  }
  const set = (key: string, value: string, ttlMs: number): void => {
    if (!entries.has(key)) {
      sweep()
      if (entries.size >= maxEntries) throw new MqError('MQ_BACKPRESSURE', `The store holds ${maxEntries} entries`)
    }
    entries.set(key, { value, until: clock.now() + ttlMs })
  }

  return {
    async claim(key, value, given) {
      requireEntry(key, { value, options: given })
      const found = find(key)
      if (found === undefined) set(key, value, given.ttlMs)
      return found ?? value
    },
    async put(key, value, given) {
      requireEntry(key, { value, options: given })
      set(key, value, given.ttlMs)
    },
    async get(key) {
      requireEntry(key)
      return find(key)
    },
  }
}

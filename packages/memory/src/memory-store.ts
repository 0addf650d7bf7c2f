import {
  type Clock,
  type CompleteStore,
  integerOption,
  keysOf,
  requireEntry,
  requireKnownOptions,
  storeChecks,
  systemClock,
} from '@mq/core/adapter'
import { createExpiringMap } from './store/expiring-map.js'
import { createLeases } from './store/leases.js'
import { type Slots, takeFromWindow } from './store/window.js'

export interface MemoryStoreOptions {
  /** The time by which entries expire. Pass the adapter's test clock, if it has one. Default: the real time. */
  readonly clock?: Clock | undefined
  /**
   * How many keys, names of leases and counters it holds, each kind counted by itself. A new one beyond that is refused, because
   * giving up an older one would break the promise that it stands for. Default: 1,000,000.
   */
  readonly maxEntries?: number | undefined
}

const optionNames = keysOf<MemoryStoreOptions>()({ clock: true, maxEntries: true })

/**
 * Creates a store for the tasks of this process. Everything it holds is gone with its process.
 * Throws a `TypeError` or `MQ_INVALID_OPTION`; a full store rejects with `MQ_BACKPRESSURE`.
 */
export function memoryStore(options: MemoryStoreOptions = {}): CompleteStore {
  requireKnownOptions(options, optionNames, 'memoryStore()')
  const { clock = systemClock } = options
  const maxEntries = integerOption(options, 'maxEntries', { fallback: 1_000_000, min: 1 })
  const values = createExpiringMap<string>({ clock, maxEntries })
  const windows = createExpiringMap<Slots>({ clock, maxEntries })

  return {
    async claim(key, value, given) {
      requireEntry(key, { value, options: given })
      const found = values.get(key)
      if (found === undefined) values.set(key, value, given.ttlMs)
      return found ?? value
    },
    async put(key, value, given) {
      requireEntry(key, { value, options: given })
      values.set(key, value, given.ttlMs)
    },
    async get(key) {
      requireEntry(key)
      return values.get(key)
    },
    async compareAndSet(key, value, given) {
      const { expected, ttlMs } = storeChecks.compareAndSet(key, value, given)
      if (values.get(key) !== expected) return false
      values.set(key, value, ttlMs)
      return true
    },
    async delete(key, given = {}) {
      const { expected } = storeChecks.delete(key, given)
      return (expected === undefined || values.get(key) === expected) && values.delete(key)
    },
    leases: createLeases(createExpiringMap({ clock, maxEntries }), clock),
    async take(key, given) {
      const checked = storeChecks.take(key, given)
      const counter = `${checked.windowMs}/${key}`
      const { answer, slots, ttlMs } = takeFromWindow(windows.get(counter) ?? [], checked, clock.monotonic())
      if (slots !== undefined) windows.set(counter, slots, ttlMs)
      return answer
    },
  }
}

import { type Clock, MqError, requireEntry, storeChecks, systemClock, type TaskStore } from '@mq/core/adapter'
import { createExpiringMap } from './expiring-map.js'
import { createLeases } from './store-leases.js'
import { type Slots, takeFromWindow } from './window.js'

export interface MemoryStoreOptions {
  /** The test clock that the adapter has, so that entries expire by it. The real time where none is given. */
  readonly clock?: Clock
  /**
   * How many keys, names of leases and counters it holds, each kind by itself. Beyond it a new one is refused: giving up an older one
   * would break what it stands for. Default: 1,000,000.
   */
  readonly maxEntries?: number
}

/**
 * A store for the tasks of this process. Everything it holds is gone with its process.
 * Throws `MQ_INVALID_OPTION`; a full store rejects with `MQ_BACKPRESSURE`.
 */
export function memoryStore(options: MemoryStoreOptions = {}): Required<TaskStore> {
  const { clock = systemClock, maxEntries = 1_000_000, ...others } = options
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw new MqError('MQ_INVALID_OPTION', `memoryStore() has no option '${unknown}'`)
  if (!Number.isSafeInteger(maxEntries) || maxEntries < 1) {
    throw new MqError('MQ_INVALID_OPTION', `maxEntries must be a whole number from 1, not ${String(maxEntries)}`)
  }
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
      const { answer, slots, ttlMs } = takeFromWindow(windows.get(counter) ?? [], checked, clock.now())
      if (slots !== undefined) windows.set(counter, slots, ttlMs)
      return answer
    },
  }
}

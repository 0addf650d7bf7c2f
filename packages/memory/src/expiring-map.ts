import { type Clock, MqError } from '@mq/core/adapter'

export interface ExpiringMap<Value> {
  /** Undefined for a key whose time is over. */
  get(key: string): Value | undefined
  /** Throws `MQ_BACKPRESSURE` for a new key if the map is full of what has not expired. */
  set(key: string, value: Value, ttlMs: number): void
  /** Returns whether there was something that had not expired. */
  delete(key: string): boolean
}

/** Fewer than these are never looked through for what has expired. */
const minToSweep = 1_000

/** Values by key, each until its time is over. Holds at most twice what has not expired. */
export function createExpiringMap<Value>({
  clock,
  maxEntries,
}: {
  readonly clock: Clock
  readonly maxEntries: number
}): ExpiringMap<Value> {
  const entries = new Map<string, { readonly value: Value; readonly until: number }>()
  let sweepAt = minToSweep

  /** Looks at all of them only once they have doubled: each write pays for a part of one sweep. */
  const sweep = (): void => {
    if (entries.size < sweepAt && entries.size < maxEntries) return
    const now = clock.now()
    for (const [key, { until }] of entries) if (until <= now) entries.delete(key)
    sweepAt = Math.max(minToSweep, entries.size * 2)
  }
  const get = (key: string): Value | undefined => {
    const found = entries.get(key)
    if (found === undefined || found.until > clock.now()) return found?.value
    entries.delete(key)
    return undefined
  }

  return {
    get,
    set(key, value, ttlMs) {
      if (!entries.has(key)) {
        sweep()
        if (entries.size >= maxEntries) throw new MqError('MQ_BACKPRESSURE', `The store holds ${maxEntries} entries`)
      }
      entries.set(key, { value, until: clock.now() + ttlMs })
    },
    delete: (key) => get(key) !== undefined && entries.delete(key),
  }
}

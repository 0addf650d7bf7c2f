import { type Clock, MqError } from '@mq/core/adapter'

export interface ExpiringMap<Value> {
  /** Returns undefined for a key whose time is over. */
  get(key: string): Value | undefined
  /** Throws `MQ_BACKPRESSURE` for a new key if the map is full of entries that have not expired. */
  set(key: string, value: Value, ttlMs: number): void
  /** Returns true if there was an entry that had not expired. */
  delete(key: string): boolean
}

/** A map with fewer entries than this is never searched for expired ones. */
const minToSweep = 1_000

/** Creates a map whose values expire. It holds at most twice as many entries as have not expired. */
export function createExpiringMap<Value>({
  clock,
  maxEntries,
}: {
  readonly clock: Clock
  readonly maxEntries: number
}): ExpiringMap<Value> {
  const entries = new Map<string, { readonly value: Value; readonly until: number }>()
  let sweepAt = minToSweep

  /** Searches all entries, but only once their number has doubled, so that each write pays for a part of one sweep. */
  const sweep = (): void => {
    if (entries.size < sweepAt && entries.size < maxEntries) return
    const now = clock.monotonic()
    for (const [key, { until }] of entries) if (until <= now) entries.delete(key)
    sweepAt = Math.max(minToSweep, entries.size * 2)
  }
  const get = (key: string): Value | undefined => {
    const found = entries.get(key)
    if (found === undefined || found.until > clock.monotonic()) return found?.value
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
      entries.set(key, { value, until: clock.monotonic() + ttlMs })
    },
    delete: (key) => get(key) !== undefined && entries.delete(key),
  }
}

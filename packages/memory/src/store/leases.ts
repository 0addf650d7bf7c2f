import { type Clock, type StoreLeases, storeChecks } from '@mq/core/adapter'
import type { ExpiringMap } from './expiring-map.js'

/** The holders of one name, each with the time at which its lease ends. */
export type Holders = Map<string, number>

export function createLeases(names: ExpiringMap<Holders>, clock: Clock): StoreLeases {
  const heldOf = (name: string): Holders => {
    const holders: Holders = names.get(name) ?? new Map()
    const now = clock.monotonic()
    for (const [holder, until] of holders) if (until <= now) holders.delete(holder)
    return holders
  }
  const hold = (name: string, holders: Holders, holder: string, ttlMs: number): void => {
    const now = clock.monotonic()
    const lastsMs = [...holders.values()].reduce((longest, until) => Math.max(longest, until - now), ttlMs)
    names.set(name, holders, lastsMs)
    holders.set(holder, now + ttlMs)
  }

  return {
    async acquire(name, options) {
      const { holder, limit, ttlMs } = storeChecks.acquire(name, options)
      const holders = heldOf(name)
      if (!holders.has(holder) && holders.size >= limit) {
        const ends = [...holders.values()].sort((a, b) => a - b)
        return { granted: false, retryAfterMs: Math.ceil((ends[holders.size - limit] ?? 0) - clock.monotonic()) }
      }
      hold(name, holders, holder, ttlMs)
      return { granted: true }
    },
    async renew(name, options) {
      const { holder, ttlMs } = storeChecks.renew(name, options)
      const holders = heldOf(name)
      if (!holders.has(holder)) return false
      hold(name, holders, holder, ttlMs)
      return true
    },
    async release(name, options) {
      const { holder } = storeChecks.release(name, options)
      const holders = heldOf(name)
      if (holders.delete(holder) && holders.size === 0) names.delete(name)
    },
  }
}

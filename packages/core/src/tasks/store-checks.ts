import { keysOf, refuseUnknown, requireOptions } from '../contract/checks/options.js'
import { shown } from '../contract/checks/shown.js'
import { requireDuration, requireInteger } from '../contract/checks/values.js'
import { MqError } from '../contract/errors.js'
import type {
  AcquireOptions,
  CompareAndSetOptions,
  DeleteOptions,
  LeaseHolder,
  RenewOptions,
  TakeOptions,
  TimeToLive,
} from './task-store.js'

const compareNames = keysOf<CompareAndSetOptions>()({ expected: true, ttlMs: true })
const deleteNames = keysOf<DeleteOptions>()({ expected: true })
const acquireNames = keysOf<AcquireOptions>()({ holder: true, limit: true, ttlMs: true })
const renewNames = keysOf<RenewOptions>()({ holder: true, ttlMs: true })
const releaseNames = keysOf<LeaseHolder>()({ holder: true })
const takeNames = keysOf<TakeOptions>()({ count: true, limit: true, windowMs: true, maxWaitMs: true })

const counts = { min: 1, max: 1_000_000 }

/**
 * Checks the arguments of a store's optional members, as `requireEntry` does for the others. Each function throws a `TypeError` for a
 * wrong type and `MQ_INVALID_OPTION` for a bad value or an unknown option. It returns the options with every default filled in and
 * times in whole milliseconds.
 */
export const storeChecks = {
  compareAndSet(key: unknown, value: unknown, options: unknown): Required<CompareAndSetOptions> {
    requireEntry(key, { value, options })
    const { expected, ttlMs } = known<CompareAndSetOptions>(options, compareNames, 'compareAndSet')
    return { expected: requireValue(expected, 'expected'), ttlMs: Math.ceil(ttlMs) }
  },
  delete(key: unknown, options: unknown): DeleteOptions {
    requireEntry(key)
    const given = known<DeleteOptions>(options, deleteNames, 'delete')
    // An `expected` that is present but undefined is a mistake; it must not remove the value of another caller.
    return 'expected' in given ? { expected: requireValue(given.expected, 'expected') } : {}
  },
  acquire(name: unknown, options: unknown): Required<AcquireOptions> {
    const { limit = 1, ...given } = known<AcquireOptions>(options, acquireNames, 'leases.acquire')
    return { ...lease(name, given), limit: requireInteger(limit, 'limit', counts) }
  },
  renew: (name: unknown, options: unknown): Required<RenewOptions> =>
    lease(name, known<RenewOptions>(options, renewNames, 'leases.renew')),
  release(name: unknown, options: unknown): LeaseHolder {
    requireKey(name, 'The name of a lease')
    return { holder: requireKey(known<LeaseHolder>(options, releaseNames, 'leases.release').holder, 'holder') }
  },
  take(key: unknown, options: unknown): Required<TakeOptions> {
    requireEntry(key)
    const { count = 1, limit, windowMs, maxWaitMs = 0 } = known<TakeOptions>(options, takeNames, 'take')
    requireInteger(limit, 'limit', counts)
    return {
      count: requireInteger(count, 'count', { min: 1, max: limit }),
      limit,
      windowMs: Math.ceil(requireDuration(windowMs, 'windowMs', 1)),
      maxWaitMs: requireDuration(maxWaitMs, 'maxWaitMs'),
    }
  },
}

function known<Options extends object>(options: unknown, names: readonly string[], member: string): Options {
  requireOptions(options, `The options of ${member}`)
  refuseUnknown(options as Options, names, member)
  return options as Options
}

function lease(name: unknown, { holder, ttlMs }: RenewOptions): Required<RenewOptions> {
  requireKey(name, 'The name of a lease')
  return { holder: requireKey(holder, 'holder'), ttlMs: Math.ceil(requireDuration(ttlMs, 'ttlMs', 1)) }
}

const maxKeyBytes = 1024

/** Checks the arguments of `claim`, `put` and `get`. Throws a `TypeError` for a wrong type and `MQ_INVALID_OPTION` for a bad value. */
export function requireEntry(key: unknown, entry?: { readonly value: unknown; readonly options: unknown }): void {
  requireKey(key, 'The key of a store')
  if (entry === undefined) return
  const { value, options } = entry
  requireValue(value, 'The value for a store')
  requireOptions(options, 'The options of a store')
  requireDuration((options as TimeToLive).ttlMs, 'ttlMs', 1)
}

function requireKey(key: unknown, what: string): string {
  if (typeof key !== 'string') throw new TypeError(`${what} must be a string, not ${shown(key)}`)
  if (key === '' || Buffer.byteLength(key) > maxKeyBytes) {
    throw new MqError('MQ_INVALID_OPTION', `${what} must have 1 to ${maxKeyBytes} bytes`)
  }
  return key
}

function requireValue(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new TypeError(`${what} must be a string, not ${shown(value)}`)
  return value
}

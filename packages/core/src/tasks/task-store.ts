import { requireDuration, requireOptions, shown } from '../contract/checks.js'
import { MqError } from '../contract/errors.js'

/**
 * A store for what messages alone cannot carry: small texts by their keys, leases, and counters, each for a time. Usable beside any
 * adapter.
 *
 * `claim`, `put` and `get` are required. The other members are optional: a store without one "cannot", and what needs it is refused
 * with `MQ_NOT_SUPPORTED`. `Required<TaskStore>` has all of them.
 *
 * Each call is carried out in one step at the store, and every time is measured by the store's own clock. Every promise settles.
 * Rejections are `MqError`s: `MQ_TIMEOUT`, `MQ_CONNECTION_LOST` or `MQ_OPERATION_FAILED` if the store cannot be asked, and for
 * arguments that make no sense what `requireEntry` and `storeChecks` throw. A call that rejects because no answer came may have been
 * carried out.
 */
export interface TaskStore {
  /** Resolves to the value that now holds the key: `value` if it was free, else the one that was there. Atomic. */
  claim(key: string, value: string, options: TimeToLive): Promise<string>
  put(key: string, value: string, options: TimeToLive): Promise<void>
  /** Undefined for a key that nobody has set, or whose time is over. */
  get(key: string): Promise<string | undefined>
  /**
   * Puts `value` in the place of `expected`, and begins the time anew, if `expected` holds the key. Resolves to whether it did. Of
   * calls that expect the same value and put another, one at most succeeds.
   *
   * Never repeated by the store once it was sent, as a second run could not tell the first one from another caller's. If the answer
   * is lost it rejects: read the key to see who holds it.
   */
  compareAndSet?(key: string, value: string, options: CompareAndSetOptions): Promise<boolean>
  /**
   * Removes the key, or with `expected` only if that value holds it. Resolves to whether it did. Not repeated either: false always
   * means that there was nothing to remove.
   */
  delete?(key: string, options?: DeleteOptions): Promise<boolean>
  /** Leases of names, for what only so many holders may do at the same time. */
  readonly leases?: StoreLeases
  /**
   * Takes `count` of the `limit` that may be taken from a key within any `windowMs`, over all processes. Never more than `limit` are
   * granted in a window, wherever it begins. What was taken counts for `windowMs`, and for up to 1 % (or 1 ms) longer.
   *
   * A caller that may wait is given a slot to come: its turn is reserved, `waitMs` from now. Slots are given in the order in which
   * they are asked for, so that later callers come after all that are reserved. A refused call takes nothing. A call whose answer is
   * lost may be counted twice, never not at all.
   */
  take?(key: string, options: TakeOptions): Promise<TakeAnswer>
}

export interface TimeToLive {
  /** From 1 ms to 365 days. */
  readonly ttlMs: number
}

/** What must be there, and for how long the new value holds the key. */
export interface CompareAndSetOptions extends TimeToLive {
  /** The value that must hold the key. For a key that is free there is `claim`. */
  readonly expected: string
}

/** When to remove a key. */
export interface DeleteOptions {
  /** The value that must hold the key. Any, if this is left out. */
  readonly expected?: string
}

/** Leases: for each name up to `limit` holders, each for a time. What holds a lease is known by its `holder` alone. */
export interface StoreLeases {
  /**
   * Gives the holder a lease of the name if fewer than `limit` are held. Each call compares with its own limit. A holder that has a
   * lease keeps it, with the time anew, and takes no second one.
   */
  acquire(name: string, options: AcquireOptions): Promise<LeaseAnswer>
  /**
   * Begins the time of the holder's lease anew. False if the holder has none: a lease that is over has to be acquired again, also
   * when nobody else has taken it.
   */
  renew(name: string, options: RenewOptions): Promise<boolean>
  /** Gives the holder's lease back. Does nothing if the holder has none. */
  release(name: string, options: LeaseHolder): Promise<void>
}

/** Who holds a lease, or wants one. */
export interface LeaseHolder {
  /** Tells this holder from every other, in all processes: a UUID for example. 1 to 1,024 bytes. */
  readonly holder: string
}

/**
 * How long a lease lasts without being renewed, by the store's clock, from the moment at which the store carried out the call. A
 * holder counts from the moment at which it called, so that it stops in time.
 */
export interface RenewOptions extends LeaseHolder, TimeToLive {}

/** As to renew a lease, with the limit of its name. */
export interface AcquireOptions extends RenewOptions {
  /** How many may hold a lease of this name at the same time. From 1 to 1,000,000. Default: 1. */
  readonly limit?: number
}

/** `retryAfterMs`: when enough leases end that this call would succeed, unless they are renewed or released before. */
export type LeaseAnswer = { readonly granted: true } | { readonly granted: false; readonly retryAfterMs: number }

/** How much to take, of what, and how long the caller may wait. */
export interface TakeOptions {
  /** How many to take, all or none. From 1 to `limit`. Default: 1. */
  readonly count?: number
  /** How many may be taken within any window. From 1 to 1,000,000. Each call compares with its own limit. */
  readonly limit: number
  /** From 1 ms to 365 days. A key has a counter of its own for each length. */
  readonly windowMs: number
  /** How long the caller may wait for its slot, up to 365 days. Default: 0, which grants at once or not at all. */
  readonly maxWaitMs?: number
}

/** Whether something was taken, and when the turn of the caller is, or would be. */
export type TakeAnswer =
  /** The turn is `waitMs` from now: 0 at once. */
  | { readonly granted: true; readonly waitMs: number }
  /** How long the caller would have to wait, if nobody takes anything before. */
  | { readonly granted: false; readonly retryAfterMs: number }

/** A member that a store may lack. */
export type OptionalStoreMember = 'compareAndSet' | 'delete' | 'leases' | 'take'

const maxKeyBytes = 1024

/** For a store to check what it is given. Throws a `TypeError` for a wrong type and `MQ_INVALID_OPTION` for a bad value. */
export function requireEntry(key: unknown, entry?: { readonly value: unknown; readonly options: unknown }): void {
  requireKey(key, 'The key of a store')
  if (entry === undefined) return
  const { value, options } = entry
  requireValue(value, 'The value for a store')
  requireOptions(options, 'The options of a store')
  requireDuration((options as TimeToLive).ttlMs, 'ttlMs', 1)
}

export function requireKey(key: unknown, what: string): string {
  if (typeof key !== 'string') throw new TypeError(`${what} must be a string, not ${shown(key)}`)
  if (key === '' || Buffer.byteLength(key) > maxKeyBytes) {
    throw new MqError('MQ_INVALID_OPTION', `${what} must have 1 to ${maxKeyBytes} bytes`)
  }
  return key
}

export function requireValue(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new TypeError(`${what} must be a string, not ${shown(value)}`)
  return value
}

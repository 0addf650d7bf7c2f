import type { RunStatement } from '../contract/transaction.js'

/**
 * A store for state that messages cannot carry: small texts by their keys, leases and counters, each for a limited time. It works with any
 * adapter. See docs/decisions/0051-one-outcome-per-task.md.
 *
 * `claim`, `put` and `get` are required. The other members are optional. A store without one cannot do what it stands for, and a call
 * that needs it is refused with `MQ_NOT_SUPPORTED`. `CompleteStore` has all of them but
 * `within`, which only a store in a database can have.
 *
 * Each call is carried out in one step at the store, and every time is measured by the store's own clock. Every promise settles.
 * Rejections are `MqError`s: `MQ_TIMEOUT`, `MQ_CONNECTION_LOST` or `MQ_OPERATION_FAILED` if the store cannot be reached. For bad
 * arguments they are the errors that `requireEntry` and `storeChecks` throw. A call that rejects because it got no answer may have been
 * carried out.
 */
export interface TaskStore {
  /** Resolves to the value that now holds the key: `value` if it was free, else the one that was there. Atomic. */
  claim(key: string, value: string, options: TimeToLive): Promise<string>
  put(key: string, value: string, options: TimeToLive): Promise<void>
  /** Resolves to undefined if the key was never set or its time is over. */
  get(key: string): Promise<string | undefined>
  /**
   * Replaces `expected` by `value` and begins the time anew, if `expected` holds the key. Resolves to whether it did. If several calls
   * expect the same value and put another, at most one succeeds.
   *
   * The store never repeats a call that was sent, because a second run could not tell the first one from another caller's. If the answer
   * is lost, the call rejects. Read the key to see which value holds it.
   */
  compareAndSet?(key: string, value: string, options: CompareAndSetOptions): Promise<boolean>
  /**
   * Removes the key; with `expected` only if that value holds it. Resolves to whether it did. The store does not repeat it either: false
   * always means that there was nothing to remove.
   */
  delete?(key: string, options?: DeleteOptions): Promise<boolean>
  /** Leases of names, for what only so many holders may do at the same time. */
  readonly leases?: StoreLeases
  /**
   * Takes `count` of the `limit` slots that a key has within any `windowMs`, for all processes together. A window never has more than
   * `limit` slots, wherever it begins. A slot counts for `windowMs`, and for up to 1 % (or 1 ms) longer.
   *
   * A caller that may wait gets a future slot: its turn is reserved, `waitMs` from now. Slots are given in the order in which they are
   * asked for, so a later caller comes after all that are reserved. A refused call takes nothing. A call whose answer is lost may be
   * counted twice; it is always counted at least once.
   */
  take?(key: string, options: TakeOptions): Promise<TakeAnswer>
  /**
   * Returns the same store within an open transaction of the application: what it does counts once that commits, and is undone with it.
   * Its calls have no time limit but that of the transaction.
   */
  within?(transaction: RunStatement): TaskStore
}

/** A store that can do all that a store without transactions can. */
export interface CompleteStore extends Required<Omit<TaskStore, 'within'>>, Pick<TaskStore, 'within'> {}

export interface TimeToLive {
  /** From 1 ms to 365 days. */
  readonly ttlMs: number
}

/** The value that the key must have, and how long the new one holds it. */
export interface CompareAndSetOptions extends TimeToLive {
  /** The value that must hold the key. For a key that is free there is `claim`. */
  readonly expected: string
}

/** When to remove a key. */
export interface DeleteOptions {
  /** The value that must hold the key. Default: any value. */
  readonly expected?: string
}

/** Leases: each name has up to `limit` holders, each for a time. A holder is identified by its `holder` text alone. */
export interface StoreLeases {
  /**
   * Gives the holder a lease of the name if fewer than `limit` are held. Each call compares with its own limit. A holder that already has a
   * lease keeps it, and its time begins anew.
   */
  acquire(name: string, options: AcquireOptions): Promise<LeaseAnswer>
  /**
   * Begins the time of the holder's lease anew. Resolves to false if the holder has none: a lease that is over has to be acquired again,
   * even if no other holder has taken it.
   */
  renew(name: string, options: RenewOptions): Promise<boolean>
  /** Gives the holder's lease back. Does nothing if the holder has none. */
  release(name: string, options: LeaseHolder): Promise<void>
}

/** The holder of a lease, or a caller that wants to hold it. */
export interface LeaseHolder {
  /** Identifies this holder among all others in all processes, a UUID for example. 1 to 1,024 bytes. */
  readonly holder: string
}

/**
 * `ttlMs` is how long a lease lasts without being renewed. The store counts by its own clock from the moment at which it carried out the
 * call. A holder should count from the moment at which it called, so that it stops in time.
 */
export interface RenewOptions extends LeaseHolder, TimeToLive {}

/** As to renew a lease, with the limit of its name. */
export interface AcquireOptions extends RenewOptions {
  /** How many holders a lease of this name has at the same time, from 1 to 1,000,000. Default: 1. */
  readonly limit?: number
}

/** `retryAfterMs` is the time until enough leases end that this call would succeed, if none is renewed or released before. */
export type LeaseAnswer = { readonly granted: true } | { readonly granted: false; readonly retryAfterMs: number }

/** How much to take, of what, and how long the caller may wait. */
export interface TakeOptions {
  /** How many slots to take, all or none, from 1 to `limit`. Default: 1. */
  readonly count?: number
  /** How many slots a window has, from 1 to 1,000,000. Each call compares with its own limit. */
  readonly limit: number
  /** From 1 ms to 365 days. A key has a counter of its own for each length. */
  readonly windowMs: number
  /** How long the caller may wait for its slot, up to 365 days. With 0 a slot is granted at once or not at all. Default: 0. */
  readonly maxWaitMs?: number
}

/** Whether something was taken, and when the turn of the caller is, or would be. */
export type TakeAnswer =
  /** The caller's turn is `waitMs` from now; 0 means at once. */
  | { readonly granted: true; readonly waitMs: number }
  /** `retryAfterMs` is how long the caller would have to wait if no other caller takes a slot before. */
  | { readonly granted: false; readonly retryAfterMs: number }

/** A member that a store may lack. */
export type OptionalStoreMember = 'compareAndSet' | 'delete' | 'leases' | 'take'

import { requireDuration, requireFunction, requireOptions, shown } from '../contract/checks.js'
import { MqError } from '../contract/errors.js'

/**
 * What tasks need to remember beyond their messages: small texts by their keys, each for a time. Usable beside any adapter.
 *
 * Every promise settles. Rejections are `MqError`s: `MQ_TIMEOUT`, `MQ_CONNECTION_LOST` or `MQ_OPERATION_FAILED` where the store
 * cannot be asked, and for a key, value or time to live that makes no sense what `requireEntry` throws.
 */
export interface TaskStore {
  /** Resolves to the value that now holds the key: `value` if it was free, else the one that was there. Atomic. */
  claim(key: string, value: string, options: TimeToLive): Promise<string>
  put(key: string, value: string, options: TimeToLive): Promise<void>
  /** Undefined for a key that nobody has set, or whose time is over. */
  get(key: string): Promise<string | undefined>
}

export interface TimeToLive {
  /** From 1 ms to 365 days. */
  readonly ttlMs: number
}

const maxKeyBytes = 1024

/** For a store to check what it is given. Throws a `TypeError` for a wrong type and `MQ_INVALID_OPTION` for a bad value. */
export function requireEntry(key: unknown, entry?: { readonly value: unknown; readonly options: unknown }): void {
  if (typeof key !== 'string') throw new TypeError(`The key of a store must be a string, not ${shown(key)}`)
  if (key === '' || Buffer.byteLength(key) > maxKeyBytes) {
    throw new MqError('MQ_INVALID_OPTION', `The key of a store must have 1 to ${maxKeyBytes} bytes`)
  }
  if (entry === undefined) return
  const { value, options } = entry
  if (typeof value !== 'string') throw new TypeError(`The value for a store must be a string, not ${shown(value)}`)
  requireOptions(options, 'The options of a store')
  requireDuration((options as TimeToLive).ttlMs, 'ttlMs', 1)
}

/** Throws a `TypeError` for what is no store. */
export function requireStore(store: unknown): asserts store is TaskStore {
  requireOptions(store, 'store')
  for (const method of ['claim', 'put', 'get'] as const) {
    requireFunction((store as Partial<TaskStore>)[method], `store.${method}`)
  }
}

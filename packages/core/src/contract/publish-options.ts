import type { MqError } from './errors.js'
import type { Transaction } from './transaction.js'

/** Whether a group was there to get the message. `unknown` if the broker does not say. */
export type Routed = 'yes' | 'no' | 'unknown'

export interface PublishOptions {
  /** At most 255 bytes without control characters. Default: a random UUID. */
  readonly id?: string | undefined
  /** Messages of one key keep their order in an `ordered` subscription. At most 255 bytes. Default: the `key` of the event. */
  readonly key?: string | undefined
  /** Delivers the message no earlier than after this time. Excludes `at`. Default: at once. */
  readonly delayMs?: number | undefined
  /** Delivers the message no earlier than at this time, by this machine's clock. A past time means at once. Excludes `delayMs`. */
  readonly at?: Date | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /**
   * CloudEvents extension attributes, `traceparent` for example. They override those that are inherited from the message being handled.
   */
  readonly extensions?: Readonly<Record<string, string>> | undefined
  /** How long the publish may take before it rejects. Default: the queue's `publishTimeoutMs`. */
  readonly timeoutMs?: number | undefined
  /** Rejects the publish when it aborts. The message may have been stored all the same. */
  readonly signal?: AbortSignal | undefined
  /**
   * Publishes in this transaction, with the capability `joinsTransactions`. The publish resolves once the message is written, and it counts
   * once the transaction commits. If it rejects, the transaction has to be rolled back. Default: the publish is a transaction of its own.
   */
  readonly transaction?: Transaction | undefined
}

/** The options of a list of messages. Functions compute `id` and `key` from each item. */
export interface PublishAllOptions<Data = unknown> extends Omit<PublishOptions, 'id' | 'key'> {
  readonly id?: ((data: Data, index: number) => string) | undefined
  readonly key?: string | ((data: Data, index: number) => string) | undefined
}

/** The options of a tombstone, whose key is an argument. */
export interface TombstoneOptions extends Omit<PublishOptions, 'key'> {}

/** A message that is stored. */
export interface PublishResult {
  readonly id: string
  readonly routed: Routed
}

/** The outcome of one message of a `publishAll` that rejected. */
export type PublishOutcome =
  | { readonly status: 'stored'; readonly id: string; readonly routed: Routed }
  | { readonly status: 'rejected' | 'unknown'; readonly id: string; readonly error: MqError }

import type { MqError } from './errors.js'

/** Whether a group was there to get the message. `unknown` where the broker cannot tell. */
export type Routed = 'yes' | 'no' | 'unknown'

export interface PublishOptions {
  /** At most 255 bytes without control characters. A random UUID where none is given. */
  readonly id?: string
  /** Messages of one key keep their order in an `ordered` subscription. At most 255 bytes. */
  readonly key?: string
  /** Deliver no earlier than after this time. Not together with `at`. */
  readonly delayMs?: number
  /** Deliver no earlier than at this time, by this machine's clock. A time that is past means at once. */
  readonly at?: Date
  readonly headers?: Readonly<Record<string, string>>
  /**
   * CloudEvents extension attributes, `traceparent` for example. They win over those that a message handled now hands on.
   */
  readonly extensions?: Readonly<Record<string, string>>
  /** After this time the publish rejects. The queue's `publishTimeoutMs` where none is given. */
  readonly timeoutMs?: number
  /** Rejects the publish when it aborts; the message may be stored all the same. */
  readonly signal?: AbortSignal
}

/** As `PublishOptions`; `id` and `key` are computed from each item. */
export interface PublishAllOptions<Data = unknown> extends Omit<PublishOptions, 'id' | 'key'> {
  readonly id?: (data: Data, index: number) => string
  readonly key?: string | ((data: Data, index: number) => string)
}

export interface PublishResult {
  readonly id: string
  readonly routed: Routed
}

export type PublishOutcome =
  | { readonly status: 'stored'; readonly id: string; readonly routed: Routed }
  | { readonly status: 'rejected' | 'unknown'; readonly id: string; readonly error: MqError }

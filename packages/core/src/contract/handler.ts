import type { StartFrom } from './adapter.js'
import type { Failure } from './failure.js'
import type { Log } from './log.js'
import type { Message, MessageOrTombstone } from './message.js'
import type { Queue } from './queue.js'
import type { RetryOptions } from './retry-options.js'

/**
 * Handles one message. If it returns, the message is acknowledged. If it throws, the message is retried by the policy; `RetryLater` and
 * `Unrecoverable` override that. It may run more than once for the same message, so its effect must not depend on being the first.
 */
export type Handler<Data = unknown> = (message: Message<Data>, context: HandlerContext) => unknown

/** Handles one message of a subscription with `tombstones: true`. */
export type TombstoneHandler<Data = unknown> = (message: MessageOrTombstone<Data>, context: HandlerContext) => unknown

export interface HandlerContext {
  /**
   * Aborts when the message no longer belongs to this handler: its time is over, its connection is lost, another consumer owns it, or
   * the subscription was stopped. Pass it to every call that waits. The message is not acknowledged after that.
   */
  readonly signal: AbortSignal
  readonly queue: Queue
  /** Adds topic, group, id and attempt to every line. */
  readonly log: Log
}

export const defaultConcurrency = 10

export interface SubscribeOptions {
  /** Names the group. Consumers of one group share its messages; every group gets all. Default: the queue's `group`. */
  readonly group?: string | undefined
  /** How many handlers run at once, from 1 to 10,000. Default: 10. */
  readonly concurrency?: number | undefined
  /** The retry policy. The queue's policy fills in what it leaves out, and `false` is a single attempt. Default: the queue's. */
  readonly retry?: RetryOptions | false | undefined
  /** How long a run may take. Then the handler's signal aborts and the attempt has failed. Default: the adapter's `maxHandlerMs`. */
  readonly timeoutMs?: number | undefined
  /** The messages that the group begins with, if this subscription creates it. An existing group stays as it is. Default: `latest`. */
  readonly startFrom?: StartFrom | undefined
  /** Handles messages of one key one after the other, and other keys meanwhile. A retry may change the order. Default: false. */
  readonly ordered?: boolean | undefined
  /**
   * This instance gets every message from now on, in no group and without retries. A failure is an `error` event. Default: false.
   */
  readonly ephemeral?: boolean | undefined
  /**
   * Called for each message just before it becomes a dead letter, even if no handler has seen the message. An error that it throws is
   * logged and changes nothing. The message waits for it no longer than the queue's `operationTimeoutMs`. It may be called twice for
   * the same message.
   */
  readonly onLastFailure?: OnLastFailure | undefined
  /**
   * `false` makes a dead letter of each tombstone, which is a message that deletes its key. Default: false for an event definition, whose
   * handler expects data, and true for a topic by its name. `TombstoneSubscribeOptions` has `true`.
   */
  readonly tombstones?: false | undefined
}

/** The options of a subscription whose handler takes tombstones as well. */
export interface TombstoneSubscribeOptions extends Omit<SubscribeOptions, 'tombstones'> {
  readonly tombstones: true
}

export type OnLastFailure = (failed: FailedMessage, context: HandlerContext) => unknown

/** A message that will not be tried again. */
export interface FailedMessage extends Pick<Message, 'id' | 'topic' | 'headers' | 'extensions' | 'tombstone'> {
  /** The data as it was published, not validated. Undefined if the bytes could not be read, and null for a tombstone. */
  readonly data: unknown
  readonly failure: Failure
}

export interface Subscription extends AsyncDisposable {
  readonly topic: string
  readonly group: string
  /**
   * Ends intake at once and lets running handlers finish for `timeoutMs`. Then it aborts their signals and gives their messages back. It
   * always resolves, and may be called twice. `timeoutMs` defaults to the queue's `stopTimeoutMs`.
   *
   * If a handler of this subscription awaits it, it resolves at once. Stopping goes on until that run has settled or the time is over, and
   * the outcome of the run counts.
   */
  stop(options?: { readonly timeoutMs?: number | undefined }): Promise<void>
}

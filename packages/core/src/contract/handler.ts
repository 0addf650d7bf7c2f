import type { RetryOptions } from '../consume/retry.js'
import type { StartFrom } from './adapter.js'
import type { Failure } from './failure.js'
import type { Log } from './log.js'
import type { Message } from './message.js'
import type { Queue } from './queue.js'

/**
 * Handles one message. Returning acknowledges it; throwing retries it by the policy; `RetryLater` and `Unrecoverable` say
 * otherwise. It may run more than once for the same message, so its effect should not depend on being the first.
 */
export type Handler<Data = unknown> = (message: Message<Data>, context: HandlerContext) => unknown

export interface HandlerContext {
  /**
   * Aborts when the message is no longer this handler's: its time is over, its connection is lost, another consumer owns it,
   * or the subscription stopped. Pass it on to whatever waits; what the handler does after that is not acknowledged.
   */
  readonly signal: AbortSignal
  readonly queue: Queue
  /** Adds topic, group, id and attempt to every line. */
  readonly log: Log
}

export interface SubscribeOptions {
  /** Consumers of one group share its messages; every group gets all. The queue's own `group` where none is given. */
  readonly group?: string
  /** Handlers running at once, from 1 to 10,000. 10 where none is given. */
  readonly concurrency?: number
  /** What to do when a handler fails. The queue's policy fills in what is left out; `false` is a single attempt. */
  readonly retry?: RetryOptions | false
  /** After this time the handler's signal aborts and the attempt has failed. No limit but the adapter's by default. */
  readonly timeoutMs?: number
  /** Where the group begins if this subscription creates it. `latest` by default. */
  readonly startFrom?: StartFrom
  /** Messages with the same key one after the other, other keys meanwhile. A retry may reorder. */
  readonly ordered?: boolean
  /** This instance gets every message from now on, in no group, without retries. A failure is an `error` event. */
  readonly ephemeral?: boolean
  /**
   * Told of each message just before it becomes a dead letter, also of one that no handler ever saw. What it throws is logged
   * and changes nothing; the message waits for it no longer than the queue's `operationTimeoutMs`. May be told twice of the same.
   */
  readonly onLastFailure?: OnLastFailure
}

export type OnLastFailure = (failed: FailedMessage, context: HandlerContext) => unknown

/** A message that will not be tried again. */
export interface FailedMessage extends Pick<Message, 'id' | 'topic' | 'headers' | 'extensions'> {
  /** As it was published: no schema has looked at it. Undefined where the bytes could not be read. */
  readonly data: unknown
  readonly failure: Failure
}

export interface Subscription extends AsyncDisposable {
  readonly topic: string
  readonly group: string
  /**
   * Ends intake at once and lets running handlers finish until the deadline (the queue's `stopTimeoutMs`); then aborts their
   * signals and gives their messages back. Always resolves. May be called twice.
   */
  stop(options?: { readonly timeoutMs?: number }): Promise<void>
}

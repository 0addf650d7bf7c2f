import type { GroupRef } from './adapter.js'
import type { Failure } from './failure.js'
import type { HandlerContext } from './handler.js'
import type { Message, RawMessage } from './message.js'
import type { PublishResult } from './publish-options.js'
import type { SettledEvent } from './queue.js'

/**
 * Code that runs around publishing and around handling. Middleware that was added first is outermost. If it throws, the publish rejects
 * with that error, or the attempt to handle the message has failed.
 */
export interface Middleware {
  /** Calls `next` with the request as it is or changed. `data` is validated and serialised after that, unless it is a tombstone. */
  publish?(publish: PublishRequest, next: (publish: PublishRequest) => Promise<PublishResult>): Promise<PublishResult>
  /** Calls `next` once; the handler has finished when its promise settles. `message.data` is already validated. */
  handle?(message: Message, context: HandlerContext, next: () => Promise<void>): Promise<void>
  /**
   * Runs around all that becomes of a delivered message: decoding, validation, the handler with its middleware, and `onLastFailure`. So it
   * also sees messages that no handler gets. Call `next` once; it resolves to the outcome and never rejects. Return undefined for a
   * message that is of no interest, which costs the least. This part observes and decides nothing: if it throws, that is an `error` event,
   * and the message is settled all the same.
   */
  settle?(delivered: DeliveredMessage, next: (run?: RunTrace) => Promise<SettledEvent>): Promise<void> | undefined
}

/** A message that an adapter has delivered to a group. */
export interface DeliveredMessage extends GroupRef {
  /** The message as it was stored, with its body not decoded. */
  readonly message: RawMessage
  readonly attempt: number
  /** The failure of the run before this one. With 0 attempts, it is that of the dead letter that was replayed. */
  readonly failure: Failure | undefined
  /** Whether the subscription is ephemeral. Then the name of the group belongs to this process alone. */
  readonly ephemeral: boolean
}

/** The place of a run in a distributed trace. */
export interface RunTrace {
  /** W3C `traceparent` of the run. If the run fails, its `Failure` keeps it. Any other text is ignored. */
  readonly traceparent?: string | undefined
}

/** One message on its way to the broker, as middleware sees it. A middleware passes on a changed copy; the topic cannot change. */
export interface PublishRequest {
  readonly topic: string
  readonly id: string
  readonly data: unknown
  /** True for a message of `publishTombstone`, whose data stays null. */
  readonly tombstone: boolean
  readonly key: string | undefined
  readonly headers: Readonly<Record<string, string>>
  /** CloudEvents extension attributes. */
  readonly extensions: Readonly<Record<string, string>>
  /** Undefined if the message is delivered at once. */
  readonly delayMs: number | undefined
  /** The list that the message is part of: one object for all messages of a `publishAll`. Absent for a single message. */
  readonly batch?: PublishBatch
}

/** The messages of one `publishAll`. */
export interface PublishBatch {
  readonly count: number
}

type PublishNext = (publish: PublishRequest) => Promise<PublishResult>

/** Wraps `publish` in the middleware. */
export function publishChain(middleware: readonly Middleware[], publish: PublishNext): PublishNext {
  return middleware.reduceRight<PublishNext>((next, layer) => {
    const around = layer.publish?.bind(layer)
    return around === undefined ? next : async (request) => around(request, next)
  }, publish)
}

export type RunHandler = (message: Message, context: HandlerContext) => unknown

/** Wraps `handler` in the middleware. */
export function handleChain(middleware: readonly Middleware[], handler: RunHandler): RunHandler {
  return middleware.reduceRight<RunHandler>((next, layer) => {
    const around = layer.handle?.bind(layer)
    if (around === undefined) return next
    return (message, context) => around(message, context, async () => void (await next(message, context)))
  }, handler)
}

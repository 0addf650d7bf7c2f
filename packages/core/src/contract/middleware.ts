import type { HandlerContext } from './handler.js'
import type { Message } from './message.js'
import type { PublishResult } from './publish-options.js'

/**
 * Code that runs around publishing and around handling. Middleware that was added first is outermost. If it throws, the publish rejects
 * with that error, or the attempt to handle the message has failed.
 */
export interface Middleware {
  /** Calls `next` with the request as it is or changed. `data` is validated and serialised after that, unless it is a tombstone. */
  publish?(publish: PublishRequest, next: (publish: PublishRequest) => Promise<PublishResult>): Promise<PublishResult>
  /** Calls `next` once; the handler has finished when its promise settles. `message.data` is already validated. */
  handle?(message: Message, context: HandlerContext, next: () => Promise<void>): Promise<void>
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

import type { HandlerContext } from './handler.js'
import type { Message } from './message.js'
import type { PublishResult } from './publish-options.js'

/**
 * One onion around publishing and one around handling. Middleware that was added first is outermost. It may throw: a publish
 * then rejects with that error, a handling counts as failed.
 */
export interface Middleware {
  /** Calls `next` with the publish as it is or changed. `data` is validated and serialised inside. */
  publish?(publish: PublishRequest, next: (publish: PublishRequest) => Promise<PublishResult>): Promise<PublishResult>
  /** Calls `next` once. The handler has finished when its promise settles. `message.data` is validated already. */
  handle?(message: Message, context: HandlerContext, next: () => Promise<void>): Promise<void>
}

/** What a middleware sees of one message that is published. It passes on a copy with changes; all but the topic can change. */
export interface PublishRequest {
  readonly topic: string
  readonly id: string
  readonly data: unknown
  readonly key: string | undefined
  readonly headers: Readonly<Record<string, string>>
  /** CloudEvents extension attributes. */
  readonly extensions: Readonly<Record<string, string>>
  /** Undefined for a message that is delivered at once. */
  readonly delayMs: number | undefined
}

type PublishNext = (publish: PublishRequest) => Promise<PublishResult>

export function publishChain(middleware: readonly Middleware[], publish: PublishNext): PublishNext {
  return middleware.reduceRight<PublishNext>((next, layer) => {
    const around = layer.publish?.bind(layer)
    return around === undefined ? next : async (request) => around(request, next)
  }, publish)
}

export type RunHandler = (message: Message, context: HandlerContext) => unknown

export function handleChain(middleware: readonly Middleware[], handler: RunHandler): RunHandler {
  return middleware.reduceRight<RunHandler>((next, layer) => {
    const around = layer.handle?.bind(layer)
    if (around === undefined) return next
    return (message, context) => around(message, context, async () => void (await next(message, context)))
  }, handler)
}

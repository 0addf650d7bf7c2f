import { withTimeout } from '../adapter-kit/with-timeout.js'
import { describeWithStack } from '../contract/failure.js'
import type { Decoding } from '../contract/foreign.js'
import type { OnLastFailure } from '../contract/handler.js'
import { decodedOrUndefined } from '../wire/codec.js'
import { isTombstone } from '../wire/tombstone.js'
import type { SettleSettings } from './settle.js'

/** Wraps the application's hook so that it ends in time, and an error that it throws decides nothing. */
export function lastFailureOf(
  { topic, decode }: { readonly topic: string; readonly decode: Decoding | undefined },
  hook: OnLastFailure | undefined,
  timeoutMs: number,
): SettleSettings['lastFailure'] {
  if (hook === undefined) return undefined
  return async ({ message, decodeError }, failure, context) => {
    const { id, headers, extensions } = message
    const data = decodeError === undefined ? decodedOrUndefined(message, decode) : undefined
    const failed = Object.freeze({ id, topic, headers, extensions, tombstone: isTombstone(message), data, failure })
    const late = (): Error => new Error(`onLastFailure took over ${timeoutMs} ms`)
    try {
      await withTimeout(
        Promise.resolve().then(() => hook(failed, context)),
        timeoutMs,
        late,
      )
    } catch (error) {
      context.log.error('onLastFailure failed', { error: describeWithStack(error) })
    }
  }
}

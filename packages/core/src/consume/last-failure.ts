import { withTimeout } from '../adapter-kit/with-timeout.js'
import type { Delivery, GroupRef } from '../contract/adapter.js'
import type { OnLastFailure } from '../contract/handler.js'
import { decodeData } from '../wire/codec.js'
import type { Handling } from './handling.js'

/** The application's hook as handling calls it: it ends in time, and what it throws decides nothing. */
export function lastFailureOf(
  { topic }: GroupRef,
  hook: OnLastFailure | undefined,
  timeoutMs: number,
): Handling['lastFailure'] {
  if (hook === undefined) return undefined
  return async (delivery, failure, context) => {
    const { id, headers, extensions } = delivery.message
    const failed = Object.freeze({ id, topic, headers, extensions, data: dataOf(delivery), failure })
    const late = (): Error => new Error(`onLastFailure took over ${timeoutMs} ms`)
    try {
      await withTimeout(
        Promise.resolve().then(() => hook(failed, context)),
        timeoutMs,
        late,
      )
    } catch (error) {
      context.log.error('onLastFailure failed', { error })
    }
  }
}

function dataOf({ message, decodeError }: Delivery): unknown {
  if (decodeError !== undefined) return undefined
  try {
    return decodeData(message.body, message.contentType)
  } catch {
    return undefined
  }
}

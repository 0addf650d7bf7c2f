import { isRetryLater, isUnrecoverable, type Log } from '@mq/core'
import type { Enhanced } from './enhancers.js'

/** Says by itself what becomes of a message. */
const decides = (error: unknown): boolean => isUnrecoverable(error) || isRetryLater(error)

/**
 * Calls a method. If it fails, the filters get the error, and the message fails with it whatever they return, so a filter that was written
 * for HTTP answers nobody and hides nothing. A filter can turn the error into `Unrecoverable` or `RetryLater` by throwing one, unless the
 * error is one already.
 */
export async function callFiltered({ call, filter }: Enhanced, data: unknown, context: { readonly log: Log }) {
  try {
    return await call(data, context)
  } catch (error) {
    throw filter === undefined ? error : await filtered(error)
  }

  async function filtered(error: unknown): Promise<unknown> {
    try {
      await filter?.(data, context, error)
    } catch (thrown) {
      if (thrown === error || decides(error)) return error
      if (decides(thrown)) return thrown
      context.log.warn('An exception filter threw an error of its own, which changes nothing', {
        error: String(thrown),
      })
    }
    return error
  }
}

import type { Outcome, PublishCall } from './adapter.js'
import { MqError } from './errors.js'

/** Node fires a longer timer at once. */
const longestTimerMs = 2 ** 31 - 1

/** What an adapter gets on top of its own deadline before its answer is no longer waited for. */
const graceMs = 1_000

/**
 * One call of `Adapter.publish`. `settle` waits for the adapter, but no longer than the time given and a second: an adapter
 * that breaks its promise must not make a publish hang.
 */
export function createPublishCall(timeoutMs: number, callerSignal: AbortSignal | undefined) {
  if (callerSignal?.aborted === true) {
    throw new MqError('MQ_PUBLISH_REJECTED', 'Not sent: the signal had aborted', { cause: callerSignal.reason })
  }
  let controller: AbortController | undefined
  let signalTimer: NodeJS.Timeout | undefined
  let graceTimer: NodeJS.Timeout | undefined
  let reject: ((error: MqError) => void) | undefined
  let abortReason: unknown

  const giveUp = (): void => {
    const text = 'The broker has not answered in time; the message may or may not be stored'
    reject?.(new MqError('MQ_PUBLISH_UNKNOWN', text, abortReason === undefined ? {} : { cause: abortReason }))
  }
  const onTimeout = (): void => controller?.abort(new MqError('MQ_TIMEOUT', `Over ${timeoutMs} ms`))
  const onCallerAbort = (): void => {
    abortReason = callerSignal?.reason
    controller?.abort(abortReason)
    clearTimeout(graceTimer)
    graceTimer = setTimeout(giveUp, graceMs)
  }

  return {
    timeoutMs,
    get signal(): AbortSignal {
      if (controller === undefined) {
        const made = new AbortController()
        controller = made
        if (abortReason !== undefined) made.abort(abortReason)
        signalTimer = setTimeout(onTimeout, Math.min(timeoutMs, longestTimerMs))
      }
      return controller.signal
    },
    settle(outcomes: Promise<readonly Outcome[]>): Promise<readonly Outcome[]> {
      return new Promise((resolve, rejectPromise) => {
        reject = rejectPromise
        graceTimer = setTimeout(giveUp, Math.min(timeoutMs + graceMs, longestTimerMs))
        callerSignal?.addEventListener('abort', onCallerAbort, { once: true })
        outcomes.then(resolve, rejectPromise)
      })
    },
    /** Leaves no timer and no listener behind. */
    end(): void {
      clearTimeout(signalTimer)
      clearTimeout(graceTimer)
      callerSignal?.removeEventListener('abort', onCallerAbort)
    },
  } satisfies PublishCall & Record<string, unknown>
}

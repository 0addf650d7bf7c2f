import { systemClock } from '../contract/clock.js'
import { describeWithStack } from '../contract/failure.js'
import type { Decoding } from '../contract/foreign.js'
import type { OnLastFailure } from '../contract/handler.js'
import { decodedOrUndefined } from '../wire/codec.js'
import { isTombstone } from '../wire/tombstone.js'
import type { OpenRuns } from './open-runs.js'
import type { RunMark } from './own-run.js'
import type { SettleSettings } from './settle.js'

export interface LastFailureOptions {
  readonly timeoutMs: number
  readonly open: OpenRuns
  readonly mark: RunMark
}

/** Wraps the application's hook so that it ends in time, and an error that it throws decides nothing. */
export function lastFailureOf(
  { topic, decode }: { readonly topic: string; readonly decode: Decoding | undefined },
  hook: OnLastFailure | undefined,
  { timeoutMs, open, mark }: LastFailureOptions,
): SettleSettings['lastFailure'] {
  if (hook === undefined) return undefined
  return async ({ message, decodeError }, failure, context) => {
    const { id, headers, extensions } = message
    const data = decodeError === undefined ? decodedOrUndefined(message, decode) : undefined
    const failed = Object.freeze({ id, topic, headers, extensions, tombstone: isTombstone(message), data, failure })
    const late = (): Error => new Error(`onLastFailure took over ${timeoutMs} ms`)
    try {
      await new Promise<void>((resolve, reject) => {
        // It limits a wait for real resources, so it measures real time also with a test clock.
        const timer = open.startTimer(systemClock, () => reject(late()), timeoutMs)
        mark
          .awaiting(() => hook(failed, context))
          .finally(() => timer.cancel())
          .then(resolve, reject)
      })
    } catch (error) {
      context.log.error('onLastFailure failed', { error: describeWithStack(error) })
    }
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import { backoff, closedError } from '@mq/core/adapter'
import { commandError, operationError, willPass } from './errors.js'
import type { Link } from './link.js'

export interface RetryOptions {
  /** Names the work in an error, such as `Reading stats`. */
  readonly what: string
  readonly link: Link
  readonly timeoutMs: number
  /** Whether the work may be done twice. It is then also repeated after a lost answer. */
  readonly isRepeatable: boolean
}

/** Does work for which a caller waits. Repeats it while its error may pass, but only within the time given. Rejects with an `MqError`. */
export async function retryWithin<T>(options: RetryOptions, work: () => Promise<T>): Promise<T> {
  const { what, link, timeoutMs, isRepeatable } = options
  const endsAt = performance.now() + timeoutMs
  const pauses = backoff({ minMs: 20, maxMs: 500 })
  for (;;) {
    try {
      await link.whenUp(Math.max(0, endsAt - performance.now()))
      return await work()
    } catch (error) {
      if (link.isClosed) throw closedError()
      const failed = commandError(error)
      const mayPass = willPass(failed) || (isRepeatable && failed.kind === 'unanswered')
      const pauseMs = pauses.next()
      if (!mayPass || performance.now() + pauseMs >= endsAt) throw operationError(what, failed)
      await sleep(pauseMs)
    }
  }
}

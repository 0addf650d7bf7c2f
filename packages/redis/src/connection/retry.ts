import { setTimeout as sleep } from 'node:timers/promises'
import { closedError, commandError, operationError, willPass } from './errors.js'
import type { Link } from './link.js'

export interface PersistOptions {
  /** For the error: `Reading stats`. */
  readonly what: string
  readonly link: Link
  readonly timeoutMs: number
  /** Whether it may be done twice: then also a lost answer is no reason to give up. */
  readonly repeatable: boolean
}

/** Does something for which a caller waits: again while it is a matter of time, and never longer than that. Rejects with an `MqError`. */
export async function persist<T>(options: PersistOptions, work: () => Promise<T>): Promise<T> {
  const { what, link, timeoutMs, repeatable } = options
  const endsAt = performance.now() + timeoutMs
  for (let pauseMs = 20; ; pauseMs = Math.min(2 * pauseMs, 500)) {
    try {
      await link.whenUp(Math.max(0, endsAt - performance.now()))
      return await work()
    } catch (error) {
      if (link.isClosed) throw closedError()
      const failed = commandError(error)
      const mayPass = willPass(failed) || (repeatable && failed.kind === 'unanswered')
      if (!mayPass || performance.now() + pauseMs >= endsAt) throw operationError(what, failed)
      await sleep(pauseMs)
    }
  }
}

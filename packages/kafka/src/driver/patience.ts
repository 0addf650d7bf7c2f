import { setTimeout as sleep } from 'node:timers/promises'
import { backoff } from '@mq/core/adapter'
import { isCoordinatorGone, isLinkError, isStaleLeader } from './errors.js'

const patienceMs = 15_000
/** Leaders and coordinators move slowly on a busy cluster. */
const longPatienceMs = 30_000
const pausesBetween = { minMs: 20, maxMs: 500 }

/**
 * Repeats a request for some seconds while leaders and coordinators move, load or cannot be reached, as they do after a start.
 * The request must be one that may be carried out twice.
 */
export async function patiently<T>(request: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  const pauses = backoff(pausesBetween)
  for (;;) {
    try {
      return await request()
    } catch (error) {
      const isMoving = isStaleLeader(error) || isCoordinatorGone(error)
      const pauseMs = pauses.next()
      const endsAt = startedAt + (isMoving ? longPatienceMs : patienceMs)
      if ((!isMoving && !isLinkError(error)) || performance.now() + pauseMs > endsAt) throw error
      await sleep(pauseMs)
    }
  }
}

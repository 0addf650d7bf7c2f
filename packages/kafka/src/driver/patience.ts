import { setTimeout as sleep } from 'node:timers/promises'
import { isCoordinatorGone, isLinkError } from './errors.js'
import { isStaleLeader } from './requests.js'

const patienceMs = 15_000
const leastPauseMs = 20
const mostPauseMs = 500

/**
 * Asks again for some seconds while leaders and coordinators move, load, or cannot be reached, as they do after a start. For
 * questions that may be asked twice.
 */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const endsAt = Date.now() + patienceMs
  for (let pauseMs = leastPauseMs; ; pauseMs = Math.min(2 * pauseMs, mostPauseMs)) {
    try {
      return await ask()
    } catch (error) {
      const passes = isStaleLeader(error) || isCoordinatorGone(error) || isLinkError(error)
      if (!passes || Date.now() + pauseMs > endsAt) throw error
    }
    await sleep(pauseMs)
  }
}

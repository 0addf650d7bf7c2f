import type { Chapter } from '../../kit/case.js'
import { retryAttempts } from './attempts.js'
import { retryCrashes } from './crashes.js'
import { retryDelays } from './delays.js'
import { retryHistories } from './histories.js'
import { retryIsolation } from './isolation.js'

export const retry: Chapter = {
  name: 'retry',
  cases: [...retryAttempts, ...retryDelays, ...retryIsolation, ...retryCrashes, ...retryHistories],
}

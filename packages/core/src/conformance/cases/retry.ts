import type { Chapter } from '../case.js'
import { retryAttempts } from './retry-attempts.js'
import { retryCrashes } from './retry-crashes.js'
import { retryDelays } from './retry-delays.js'
import { retryIsolation } from './retry-isolation.js'

export const retry: Chapter = {
  name: 'retry',
  cases: [...retryAttempts, ...retryDelays, ...retryIsolation, ...retryCrashes],
}

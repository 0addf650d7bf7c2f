import type { Chapter, ConformanceCase } from '../case.js'
import { concurrency } from './concurrency.js'
import { connection } from './connection.js'
import { deadLetters } from './dead-letters.js'
import { delay } from './delay.js'
import { delivery } from './delivery.js'
import { ephemeral } from './ephemeral.js'
import { faults } from './faults.js'
import { foreign } from './foreign.js'
import { groups } from './groups.js'
import { health } from './health.js'
import { longHandlers } from './long-handlers.js'
import { ordering } from './ordering.js'
import { payload } from './payload.js'
import { publish } from './publish.js'
import { randomWalk } from './random-walk.js'
import { retry } from './retry.js'
import { security } from './security.js'
import { shutdown } from './shutdown.js'
import { stats } from './stats.js'
import { tasks } from './tasks.js'

/** In the order in which they are read: what everything stands on first. */
export const chapters: readonly Chapter[] = [
  connection,
  publish,
  delivery,
  groups,
  concurrency,
  ordering,
  ephemeral,
  retry,
  deadLetters,
  delay,
  shutdown,
  longHandlers,
  payload,
  foreign,
  stats,
  health,
  security,
  tasks,
  faults,
  randomWalk,
]

export const allCases: readonly ConformanceCase[] = chapters.flatMap(({ cases }) => cases)

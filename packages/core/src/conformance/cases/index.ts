import type { Chapter, ConformanceCase } from '../kit/case.js'
import { concurrency } from './concurrency.js'
import { connection } from './connection.js'
import { deadLetters } from './dead-letters/index.js'
import { delay } from './delay/index.js'
import { delivery } from './delivery/index.js'
import { ephemeral } from './ephemeral.js'
import { faults } from './faults/index.js'
import { foreign } from './foreign.js'
import { foreignTopics } from './foreign-topics.js'
import { groups } from './groups/index.js'
import { health } from './health/index.js'
import { inspection } from './inspection/index.js'
import { longHandlers } from './long-handlers.js'
import { ordering } from './ordering/index.js'
import { pausing } from './pausing/index.js'
import { payload } from './payload/index.js'
import { publish } from './publish.js'
import { randomWalk } from './random-walk/index.js'
import { retry } from './retry/index.js'
import { security } from './security/index.js'
import { shutdown } from './shutdown/index.js'
import { stats } from './stats.js'
import { tasks } from './tasks/index.js'
import { transactions } from './transactions.js'

/** The chapters in reading order: each builds on the ones before it. */
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
  foreignTopics,
  stats,
  inspection,
  pausing,
  transactions,
  health,
  security,
  tasks,
  faults,
  randomWalk,
]

export const allCases: readonly ConformanceCase[] = chapters.flatMap(({ cases }) => cases)

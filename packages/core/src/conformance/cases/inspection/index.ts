import type { Chapter } from '../../kit/case.js'
import { inspectionChanges } from './changes.js'
import { inspectionLists } from './lists.js'
import { inspectionRefusals } from './refusals.js'
import { inspectionRemovals } from './removing.js'
import { inspectionStates } from './states.js'

/** Tests looking into the broker, without taking anything, and what can be done to single messages. */
export const inspection: Chapter = {
  name: 'inspection',
  cases: [...inspectionLists, ...inspectionStates, ...inspectionChanges, ...inspectionRefusals, ...inspectionRemovals],
}

import type { Chapter } from '../../kit/case.js'
import { pausingConsumers } from './consumers.js'
import { pausingFaults } from './faults.js'
import { pausingGroups } from './groups.js'
import { pausingMessages } from './messages.js'

/** Tests pausing a group in all its processes. */
export const pausing: Chapter = {
  name: 'pausing',
  cases: [...pausingConsumers, ...pausingMessages, ...pausingGroups, ...pausingFaults],
}

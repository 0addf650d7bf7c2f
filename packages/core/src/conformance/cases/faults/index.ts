import type { Chapter } from '../../kit/case.js'
import { brokerFaults } from './broker.js'
import { frozenFaults } from './frozen.js'
import { linkFaults } from './link.js'
import { memberFaults } from './members.js'
import { ownLinkFaults } from './own-link.js'
import { soakFaults } from './soak.js'
import { standstillFaults } from './standstill.js'

export const faults: Chapter = {
  name: 'faults',
  cases: [
    ...brokerFaults,
    ...linkFaults,
    ...frozenFaults,
    ...memberFaults,
    ...standstillFaults,
    ...ownLinkFaults,
    ...soakFaults,
  ],
}

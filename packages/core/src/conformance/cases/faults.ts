import type { Chapter } from '../case.js'
import { brokerFaults } from './faults-broker.js'
import { frozenFaults } from './faults-frozen.js'
import { linkFaults } from './faults-link.js'
import { memberFaults } from './faults-members.js'
import { soakFaults } from './faults-soak.js'

export const faults: Chapter = {
  name: 'faults',
  cases: [...brokerFaults, ...linkFaults, ...frozenFaults, ...memberFaults, ...soakFaults],
}

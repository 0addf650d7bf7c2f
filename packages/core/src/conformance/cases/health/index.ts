import type { Chapter } from '../../kit/case.js'
import { healthStatus } from './status.js'
import { healthTrouble } from './trouble.js'

export const health: Chapter = { name: 'health and events', cases: [...healthStatus, ...healthTrouble] }

import type { Chapter } from '../case.js'
import { healthStatus } from './health-status.js'
import { healthTrouble } from './health-trouble.js'

export const health: Chapter = { name: 'health and events', cases: [...healthStatus, ...healthTrouble] }

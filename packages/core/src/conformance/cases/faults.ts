import type { Chapter } from '../case.js'

export const faults: Chapter = { name: 'faults', cases: [] }

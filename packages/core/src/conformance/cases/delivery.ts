import type { Chapter } from '../case.js'

export const delivery: Chapter = { name: 'delivery', cases: [] }

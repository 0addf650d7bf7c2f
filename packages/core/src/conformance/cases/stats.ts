import type { Chapter } from '../case.js'

export const stats: Chapter = { name: 'stats', cases: [] }

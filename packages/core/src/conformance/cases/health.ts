import type { Chapter } from '../case.js'

export const health: Chapter = { name: 'health', cases: [] }

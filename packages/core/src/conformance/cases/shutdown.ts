import type { Chapter } from '../case.js'

export const shutdown: Chapter = { name: 'shutdown', cases: [] }

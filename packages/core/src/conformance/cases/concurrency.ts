import type { Chapter } from '../case.js'

export const concurrency: Chapter = { name: 'concurrency', cases: [] }

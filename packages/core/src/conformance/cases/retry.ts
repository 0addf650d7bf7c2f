import type { Chapter } from '../case.js'

export const retry: Chapter = { name: 'retry', cases: [] }

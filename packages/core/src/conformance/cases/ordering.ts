import type { Chapter } from '../case.js'

export const ordering: Chapter = { name: 'ordering', cases: [] }

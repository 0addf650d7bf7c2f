import type { Chapter } from '../case.js'

export const delay: Chapter = { name: 'delay', cases: [] }

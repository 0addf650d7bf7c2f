import type { Chapter } from '../case.js'

export const payload: Chapter = { name: 'payload', cases: [] }

import type { Chapter } from '../case.js'

export const groups: Chapter = { name: 'groups', cases: [] }

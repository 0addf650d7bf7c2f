import type { Chapter } from '../case.js'

export const security: Chapter = { name: 'security', cases: [] }

import type { Chapter } from '../case.js'

export const longHandlers: Chapter = { name: 'long handlers', cases: [] }

import type { Chapter } from '../case.js'

export const foreign: Chapter = { name: 'foreign', cases: [] }

import type { Chapter } from '../case.js'

export const deadLetters: Chapter = { name: 'dead letters', cases: [] }

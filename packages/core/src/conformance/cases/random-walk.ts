import type { Chapter } from '../case.js'

export const randomWalk: Chapter = { name: 'random walk', cases: [] }

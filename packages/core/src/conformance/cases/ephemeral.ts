import type { Chapter } from '../case.js'

export const ephemeral: Chapter = { name: 'ephemeral', cases: [] }

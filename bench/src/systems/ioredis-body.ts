import { ioredisWith } from './ioredis.js'

/** Stores the JSON body alone. */
export const open = ioredisWith(() => [])

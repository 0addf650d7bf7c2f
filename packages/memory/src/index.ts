export { type HandledMessage, type MemoryAdapter, memory, memory as default } from './memory.js'
export type { MemoryOptions } from './options.js'
export type { SettleOptions } from './settle.js'
export { type TestClock, testClock } from './test-clock.js'

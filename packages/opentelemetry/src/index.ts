export type { WatchedGroup } from './gauges.js'
export { type Instrumentation, type InstrumentOptions, instrument } from './instrument.js'
export type { ProviderOptions } from './providers.js'

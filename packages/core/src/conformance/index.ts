export type { Alone, Chapter, ConformanceCase, Level, Need } from './case.js'
export type { CaseStore } from './case-store.js'
export type { CollectOptions, Collector, Run } from './collector.js'
export type { Kit, KitQueueOptions, KitSchedulerOptions } from './kit.js'
export type { Ledger, LedgerCheck, LedgerPublishOptions } from './ledger.js'
export { type PromiseNumber, promises } from './promises.js'
export { type ConformanceOptions, conformance, type It, type Runner } from './register.js'
export type { CaseOutcome, CaseResult, ConformanceReport } from './report.js'
export { jsonReport, markdownMatrix, textReport } from './report-formats.js'
export { type RunOptions, runConformance } from './run.js'
export { type StoreRunner, type StoreSubject, storeConformance } from './store-suite.js'
export type {
  FaultName,
  Faults,
  JsonObject,
  JsonValue,
  StartedBroker,
  Subject,
  Worker,
  WorkerEvent,
  WorkerProgram,
} from './subject.js'

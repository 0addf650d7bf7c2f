export type { Alone, Chapter, ConformanceCase, Level, Need } from './kit/case.js'
export type { CaseStore } from './kit/case-store.js'
export type { CollectOptions, Collector, Run } from './kit/collector.js'
export type { Kit, KitQueueOptions, KitSchedulerOptions, PausableWorker } from './kit/kit.js'
export type { Ledger, LedgerCheck, LedgerPublishOptions } from './kit/ledger.js'
export { type PromiseNumber, promises } from './promises.js'
export { type ProxyFaultName, type ProxyFaults, type ProxyFaultsOptions, proxyFaults } from './proxy/faults.js'
export { type ProxyOptions, proxy, type TcpProxy } from './proxy/proxy.js'
export { type ConformanceOptions, conformance, type It, type Runner } from './runner/register.js'
export type { CaseResult, CaseStatus, ConformanceReport, Figures } from './runner/report.js'
export { jsonReport, markdownMatrix, textReport } from './runner/report-formats.js'
export { type RunConformanceOptions, runConformance } from './runner/run.js'
export { type StoreRunner, type StoreSubject, storeConformance } from './store/suite.js'
export type {
  BegunTransaction,
  FaultName,
  Faults,
  JsonObject,
  JsonValue,
  Link,
  StartedBroker,
  Subject,
  Worker,
  WorkerEvent,
  WorkerProgram,
} from './subject.js'

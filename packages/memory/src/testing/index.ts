export { type TestBench, type TestBenchOptions, testBench } from './bench.js'
export {
  type CancelledRun,
  type CompletedRun,
  type FailedRun,
  recordRuns,
  type TaskRun,
  type TaskRuns,
} from './runs.js'
export { isTickAhead } from './ticks-ahead.js'

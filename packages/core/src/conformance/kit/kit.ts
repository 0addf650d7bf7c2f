import type {
  Adapter,
  Capabilities,
  Queue,
  QueueOptions,
  SchedulerOptions,
  Target,
  TaskScheduler,
} from '../../index.js'
import type { BoundFaults } from '../runner/environment.js'
import type { BegunTransaction, JsonObject, Link, Worker, WorkerProgram } from '../subject.js'
import type { CaseStore } from './case-store.js'
import type { CollectOptions, Collector } from './collector.js'
import type { Ledger } from './ledger.js'
import type { WaitOptions } from './wait.js'

export interface KitQueueOptions extends QueueOptions {
  /** Options for the adapter's factory, added to those of the subject. */
  readonly adapter?: JsonObject
}

export interface KitSchedulerOptions extends SchedulerOptions {
  readonly queue?: Queue
}

/** A worker that can stand still. */
export type PausableWorker = Worker & Required<Pick<Worker, 'pause' | 'resume'>>

/** The tools of a case. Everything that it opens is closed after the case. */
export interface Kit {
  readonly capabilities: Capabilities
  readonly faults: BoundFaults
  /** The passwords that the suite finds in the adapter's options. */
  readonly secrets: readonly string[]
  /** The time without any change after which a case assumes that nothing more happens. */
  readonly quietMs: number
  /** How many times as long as usual a case waits for what it does not measure. */
  readonly patience: number
  /** The time in which a message of a dead consumer runs again, with a reserve. */
  readonly redeliveryMs: number
  /** Returns a number from 0 to 1, the same in every run with the same seed. */
  random(): number
  /** The seed of `random`, for the text of an error. */
  readonly seed: number
  /** Returns a topic that no other case uses, a different one for each label. */
  topic(label?: string): string
  /** Creates an adapter that is not connected. */
  adapter(options?: JsonObject): Adapter
  /** Creates a connected adapter. */
  connected(options?: JsonObject): Promise<Adapter>
  /** Creates a connected queue on an adapter of its own: group `g`, three quick attempts, no output on the console. */
  queue(options?: KitQueueOptions): Promise<Queue>
  /** Creates a queue like `queue` that is not connected. */
  unconnected(options?: KitQueueOptions): Queue
  /** Creates a scheduler. Default: on a queue of its own. */
  scheduler(options?: KitSchedulerOptions): Promise<TaskScheduler>
  /** A store in this process for this case alone. */
  readonly store: CaseStore
  /** Subscribes and records each run. */
  collect(queue: Queue, topic: Target, options?: CollectOptions): Promise<Collector>
  /** Accounts for every message that is published to a topic and handled by a group. Default: the group `g`. */
  ledger(topic: string, group?: string): Ledger
  /** Starts a consumer outside this process and waits until it is ready. Default: of the group `g`. */
  worker(program: Partial<WorkerProgram> & { readonly topic: string; readonly group?: string }): Promise<Worker>
  /** Starts a consumer like `worker` that can be paused. Ends the case as not run if the subject's workers cannot be. */
  pausable(program: Parameters<Kit['worker']>[0]): Promise<PausableWorker>
  /** Opens another way to the broker with `faults.link`, and closes it after the case. */
  link(): Promise<Link>
  /** Begins a transaction of the application. It is rolled back after the case unless it has ended. */
  begin(): Promise<BegunTransaction>
  /** Resolves once the predicate holds. Rejects after the timeout, by default 10 s times `patience`, and reports the runs of the case so far. */
  until(
    what: string | (() => string),
    predicate: () => boolean | Promise<boolean>,
    options?: WaitOptions,
  ): Promise<void>
  /** Resolves once the count has not changed for `quietMs`. */
  quiet(count: () => number): Promise<void>
  /** Notes a figure that the case checks, so that the report says which figures the broker did not give. */
  measured(name: string, value: number | undefined): void
  /** All log entries of the queues of this case. */
  readonly logged: readonly unknown[]
}

import type { Adapter, Capabilities, Queue, QueueOptions, SchedulerOptions, TaskScheduler } from '../../index.js'
import type { BoundFaults } from '../runner/environment.js'
import type { JsonObject, Worker, WorkerProgram } from '../subject.js'
import type { CaseStore } from './case-store.js'
import type { CollectOptions, Collector } from './collector.js'
import type { Ledger } from './ledger.js'
import type { WaitOptions } from './wait.js'

export interface KitQueueOptions extends QueueOptions {
  /** For the adapter's factory, added to the subject's own. */
  readonly adapter?: JsonObject
}

export interface KitSchedulerOptions extends SchedulerOptions {
  readonly queue?: Queue
}

/** What a case works with. Whatever it opens is closed after it. */
export interface Kit {
  readonly capabilities: Capabilities
  readonly faults: BoundFaults
  /** The passwords that the adapter is given, as far as its options show them. */
  readonly secrets: readonly string[]
  /** How long nothing must happen before it counts as: nothing will. */
  readonly quietMs: number
  /** Long enough for a message of a consumer that died to run again. */
  readonly redeliveryMs: number
  /** From 0 to 1, the same in every run with the same seed. */
  random(): number
  /** For the text of an error that depends on it. */
  readonly seed: number
  /** A topic that no other case uses; another one for each label. */
  topic(label?: string): string
  /** An adapter that is not connected. */
  adapter(options?: JsonObject): Adapter
  /** A connected one. */
  connected(options?: JsonObject): Promise<Adapter>
  /** A connected queue on an adapter of its own: group `g`, three quick attempts, nothing on the console. */
  queue(options?: KitQueueOptions): Promise<Queue>
  /** As `queue`, not connected. */
  unconnected(options?: KitQueueOptions): Queue
  /** On a queue of its own where none is given. */
  scheduler(options?: KitSchedulerOptions): Promise<TaskScheduler>
  /** Of this case alone, in this process. */
  readonly store: CaseStore
  collect(queue: Queue, topic: string, options?: CollectOptions): Promise<Collector>
  /** Accounts for everything that is published to a topic and handled by the group `g`, or another. */
  ledger(topic: string, group?: string): Ledger
  /** A consumer outside of this process, ready, of the group `g` or another. */
  worker(program: Partial<WorkerProgram> & { readonly topic: string; readonly group?: string }): Promise<Worker>
  until(
    what: string | (() => string),
    predicate: () => boolean | Promise<boolean>,
    options?: WaitOptions,
  ): Promise<void>
  /** Resolves once the count has not changed for `quietMs`. */
  quiet(count: () => number): Promise<void>
  /** Everything that the queues of this case have logged. */
  readonly logged: readonly unknown[]
}

import {
  type Adapter,
  type Capabilities,
  createQueue,
  createScheduler,
  type Log,
  type Queue,
  type QueueOptions,
  type SchedulerOptions,
  type TaskScheduler,
} from '../../index.js'
import type { BoundFaults, Environment } from '../runner/environment.js'
import type { JsonObject, Worker, WorkerProgram } from '../subject.js'
import { type CaseStore, createCaseStore } from './case-store.js'
import { type CollectOptions, type Collector, collect } from './collector.js'
import { createLedger, type Ledger } from './ledger.js'
import { randomFrom } from './random.js'
import { quiet, until, type WaitOptions } from './wait.js'

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

/** As short as a test wants them, with nothing left to chance. */
const quickRetry = { attempts: 3, backoff: 'fixed', delayMs: 50, jitter: 'none' } as const

export interface KitOptions {
  readonly environment: Environment
  readonly caseId: string
  /** Tells the topics of this run from those of any other. */
  readonly runId: string
  readonly seed: number
  readonly quietMs: number
}

export function createKit({ environment, caseId, runId, seed, quietMs }: KitOptions): Kit & { close(): Promise<void> } {
  const { capabilities } = environment.loaded
  const open: { disconnect(options: { timeoutMs: number }): Promise<void> }[] = []
  const workers: Worker[] = []
  const logged: unknown[] = []
  const write = (message: string, fields?: unknown): void => void logged.push([message, fields])
  const log: Log = { debug: write, info: write, warn: write, error: write }

  const adapter = (options?: JsonObject): Adapter => {
    const made = environment.adapter(options)
    open.push(made)
    return made
  }
  const unconnected = ({ adapter: options, ...queueOptions }: KitQueueOptions = {}): Queue => {
    const queue = createQueue(environment.adapter(options), { group: 'g', retry: quickRetry, log, ...queueOptions })
    open.push(queue)
    return queue
  }

  const connectedQueue = async (options?: KitQueueOptions): Promise<Queue> => {
    const queue = unconnected(options)
    await queue.connect()
    return queue
  }

  return {
    capabilities,
    faults: environment.faults,
    secrets: environment.secrets,
    quietMs,
    redeliveryMs: capabilities.redeliveryMs + 5_000,
    random: randomFrom(`${seed}/${caseId}`),
    seed,
    topic: (label) => `ct.${runId}.${caseId.toLowerCase()}${label === undefined ? '' : `.${label}`}`,
    adapter,
    async connected(options) {
      const made = adapter(options)
      await made.connect()
      return made
    },
    queue: connectedQueue,
    unconnected,
    store: createCaseStore(),
    async scheduler({ queue, ...options } = {}) {
      const make = environment.loaded.subject.createScheduler ?? createScheduler
      return make(queue ?? (await connectedQueue()), options)
    },
    collect: (queue, topic, options = {}) => collect(queue, topic, options),
    ledger: (topic, group = 'g') => createLedger(topic, group, quietMs),
    async worker({ topic, group = 'g', ...program }) {
      const worker = await environment.startWorker({
        ref: { topic, group },
        concurrency: 1,
        handler: 'handle',
        ...program,
      })
      workers.push(worker)
      return worker
    },
    until,
    quiet: (count) => quiet(count, quietMs),
    logged,
    async close() {
      await Promise.all([
        ...workers.map((worker) => worker.kill()),
        ...open.map((one) => one.disconnect({ timeoutMs: 0 })),
      ])
    },
  }
}

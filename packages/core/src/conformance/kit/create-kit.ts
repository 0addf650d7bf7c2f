import { type Adapter, createQueue, type Log, type Queue } from '../../index.js'
import type { Environment } from '../runner/environment.js'
import type { JsonObject, Worker } from '../subject.js'
import { createCaseStore } from './case-store.js'
import { collect } from './collector.js'
import type { Kit, KitQueueOptions } from './kit.js'
import { createLedger } from './ledger.js'
import { randomFrom } from './random.js'
import { quiet, until } from './wait.js'

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
      return environment.loaded.createScheduler(queue ?? (await connectedQueue()), options)
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

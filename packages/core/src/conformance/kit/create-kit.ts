import { type Adapter, createQueue, type Log, type Queue } from '../../index.js'
import type { BoundFaults, Environment } from '../runner/environment.js'
import type { JsonObject, Link, Worker } from '../subject.js'
import { createCaseStore } from './case-store.js'
import { type Collector, collect } from './collector.js'
import type { Kit, KitQueueOptions, PausableWorker } from './kit.js'
import { createLedger } from './ledger.js'
import { type Measurements, NotRun } from './measurements.js'
import { randomFrom } from './random.js'
import { defaultWaitMs, quiet, until } from './wait.js'

/** Short retries without randomness. */
const quickRetry = { attempts: 3, backoff: 'fixed', delayMs: 50, jitter: 'none' } as const

export interface KitOptions {
  readonly environment: Environment
  readonly caseId: string
  /** Distinguishes the topics of this run from those of other runs. */
  readonly runId: string
  readonly seed: number
  readonly quietMs: number
  readonly patience: number
  readonly measurements: Measurements
}

export function createKit({
  environment,
  caseId,
  runId,
  seed,
  quietMs,
  patience,
  measurements,
}: KitOptions): Kit & { close(): Promise<void> } {
  const { capabilities } = environment.loaded
  const open: { disconnect(options: { timeoutMs: number }): Promise<void> }[] = []
  const workers: Worker[] = []
  const links: Link[] = []
  const transactions = new Set<{ readonly end: () => Promise<void> }>()
  const collectors: Collector[] = []
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

  const startWorker: Kit['worker'] = async ({ topic, group = 'g', ...program }) => {
    const ref = { topic, group }
    const worker = await environment.startWorker({ ref, concurrency: 1, handler: 'handle', ...program })
    workers.push(worker)
    return worker
  }

  return {
    capabilities,
    faults: measuring(environment.faults, measurements),
    secrets: environment.secrets,
    quietMs,
    patience,
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
    async collect(queue, topic, options = {}) {
      const collector = await collect(queue, topic, options)
      collectors.push(collector)
      return collector
    },
    ledger: (topic, group = 'g') =>
      createLedger({
        topic,
        group,
        quietMs,
        onCollector: (one) => collectors.push(one),
        onStored: measurements.stored,
        onCheck: measurements.account(),
      }),
    worker: startWorker,
    async pausable(program) {
      const worker = await startWorker(program)
      if (isPausable(worker)) return worker
      throw new NotRun("the subject's workers have no pause and resume")
    },
    async begin() {
      const { transaction, commit, rollback } = await environment.begin()
      const begun = { end: rollback }
      transactions.add(begun)
      const ending = (end: () => Promise<void>) => async () => {
        transactions.delete(begun)
        await end()
      }
      return { transaction, commit: ending(commit), rollback: ending(rollback) }
    },
    async link() {
      const link = await environment.faults.link()
      links.push(link)
      return link
    },
    until: (what, predicate, { timeoutMs = patience * defaultWaitMs } = {}) =>
      until(() => `${typeof what === 'string' ? what : what()}${runsSoFar(collectors)}`, predicate, { timeoutMs }),
    quiet: (count) => quiet(count, quietMs),
    measured: measurements.note,
    logged,
    async close() {
      await Promise.all([
        ...workers.map((worker) => worker.kill()),
        ...open.map((one) => one.disconnect({ timeoutMs: 0 })),
      ])
      await Promise.all(links.map((link) => link.close()))
      await Promise.all([...transactions].map(({ end }) => end()))
    },
  }
}

const isPausable = (worker: Worker): worker is PausableWorker =>
  worker.pause !== undefined && worker.resume !== undefined

/** After these, publishing has to resume. During `kill` it may resume by itself, on another node of a cluster. */
const disturbances = ['kill', 'restart', 'cut', 'heal'] as const

function measuring(faults: BoundFaults, { disturbed }: Measurements): BoundFaults {
  const measured = disturbances.map((name) => [name, () => faults[name]().then(disturbed)])
  return { ...faults, ...Object.fromEntries(measured) }
}

/** Returns the counts of each subscription of the case, for the text of a failure. */
function runsSoFar(collectors: readonly Collector[]): string {
  if (collectors.length === 0) return ''
  const counts = collectors.slice(0, maxShown).map(({ subscription, runs, handled, running }) => {
    const label = subscription.topic.split('.').slice(3).join('.')
    const name = label === '' ? subscription.group : `${label}/${subscription.group}`
    return `${name}: ${runs.length} runs, ${handled.length} handled, ${running} running`
  })
  return ` (${counts.join('; ')}${collectors.length > maxShown ? '; ...' : ''})`
}

const maxShown = 4

import { completeCapabilities, keysOf, withTimeout } from '../../adapter.js'
import { type Adapter, type Capabilities, createScheduler } from '../../index.js'
import type { Need } from '../kit/case.js'
import type {
  BegunTransaction,
  FaultName,
  Faults,
  JsonObject,
  StartedBroker,
  Subject,
  Worker,
  WorkerProgram,
} from '../subject.js'
import { startWorkerProcess } from '../worker/spawn.js'
import { type AdapterFactory, loadFactory, moduleUrl } from './adapter-module.js'
import { namingThrows } from './rejecting.js'
import { secretsIn } from './secrets.js'

/** A subject with everything that can be known without its broker. */
export interface LoadedSubject {
  readonly subject: Subject
  readonly url: string
  readonly factory: AdapterFactory
  readonly name: string
  readonly capabilities: Capabilities
  /** Creates the schedulers that cases use. Core's tests replace it by one that plants faults. */
  readonly createScheduler: typeof createScheduler
  /** Returns the needs of a case that this subject does not meet. */
  missing(needs: readonly Need[]): readonly Need[]
}

/** Imports the adapter. Throws a `TypeError` if it is not an adapter, or the error of its factory. */
export async function loadSubject(subject: Subject): Promise<LoadedSubject> {
  const url = await moduleUrl(subject.adapter)
  const factory = await loadFactory(url)
  const { name, capabilities: stated } = factory(subject.options ?? {})
  const capabilities = completeCapabilities(stated)
  const has = (need: Need): boolean =>
    need === 'worker'
      ? !capabilities.embedded || subject.startWorker !== undefined
      : need === 'begin'
        ? subject.begin !== undefined
        : subject.faults?.[need] !== undefined
  return {
    subject,
    url,
    factory,
    name,
    capabilities,
    createScheduler,
    missing: (needs) => needs.filter((need) => !has(need)),
  }
}

/** The faults of a subject, each bound to the result of `start`. */
export type BoundFaults = {
  readonly [Name in FaultName]: Required<Faults>[Name] extends (started: never, ...rest: infer Rest) => infer Result
    ? (...rest: Rest) => Result
    : never
}

/** The adapter and its broker, started. */
export interface Environment {
  readonly loaded: LoadedSubject
  readonly broker: string | undefined
  readonly faults: BoundFaults
  /** The passwords in the adapter's options. */
  readonly secrets: readonly string[]
  /** Creates an adapter that is not connected. */
  adapter(options?: JsonObject): Adapter
  /** Starts a consumer outside this process. The options are added to those of the subject. */
  startWorker(program: Omit<WorkerProgram, 'adapter' | 'options'> & Partial<WorkerProgram>): Promise<Worker>
  /** Begins a transaction of the application. */
  begin(): Promise<BegunTransaction>
  /** Ends every fault and restarts a killed broker. */
  recover(): Promise<void>
  close(): Promise<void>
}

/** The longest time of a fault. A broker with many topics restarts slowly, especially on a busy machine. */
const faultTimeoutMs = 180_000

export async function startEnvironment(loaded: LoadedSubject): Promise<Environment> {
  const { subject, url, factory } = loaded
  const started: StartedBroker = (await subject.start?.()) ?? {}
  const options = { ...subject.options, ...started.options }
  let isDown = false
  let isDisturbed = false

  const call = async <T>(name: FaultName, work: () => Promise<T>): Promise<T> => {
    isDisturbed ||= !harmless.has(name)
    const result = await withTimeout(
      work(),
      faultTimeoutMs,
      () => new Error(`faults.${name} took over ${faultTimeoutMs} ms`),
    )
    if (name === 'kill') isDown = true
    if (name === 'restart') isDown = false
    return result
  }
  const bound =
    (name: FaultName) =>
    (...rest: unknown[]) => {
      const fault = subject.faults?.[name] as ((started: StartedBroker, ...rest: unknown[]) => unknown) | undefined
      if (fault === undefined)
        throw new Error(`The subject has no faults.${name}; the case should say that it needs it`)
      if (givesOptions.has(name)) return fault.call(subject.faults, started, ...rest)
      return call(name, async () => fault.call(subject.faults, started, ...rest))
    }
  const faults = Object.fromEntries(faultNames.map((name) => [name, bound(name)])) as unknown as BoundFaults

  return {
    loaded,
    broker: started.broker,
    faults,
    secrets: secretsIn(options),
    adapter: (more) => namingThrows(factory({ ...options, ...more })),
    startWorker(program) {
      const full = { ...program, adapter: url, options: { ...options, ...program.options } }
      return subject.startWorker?.(started, full) ?? startWorkerProcess(full, subject.node)
    },
    async begin() {
      if (subject.begin === undefined) throw new Error('The subject has no begin; the case should say that it needs it')
      return subject.begin(started)
    },
    async recover() {
      if (isDown) await faults.restart()
      if (isDisturbed && subject.faults?.heal !== undefined) await faults.heal()
      isDisturbed = false
    },
    async close() {
      await subject.stop?.(started)
    },
  }
}

/** These only return options. */
const givesOptions: ReadonlySet<FaultName> = new Set(['wrongCredentials', 'unreachable', 'untrusted'])

/** These need no recovery. */
const harmless: ReadonlySet<FaultName> = new Set([
  'connections',
  'link',
  'leftovers',
  'destroy',
  'publishForeign',
  'foreignPlaces',
  'writeForeign',
  'heal',
])

const faultNames = keysOf<Record<FaultName, true>>()({
  kill: true,
  restart: true,
  cut: true,
  refuse: true,
  freeze: true,
  slow: true,
  dropAnswer: true,
  block: true,
  heal: true,
  connections: true,
  link: true,
  leftovers: true,
  destroy: true,
  publishForeign: true,
  foreignPlaces: true,
  writeForeign: true,
  wrongCredentials: true,
  unreachable: true,
  untrusted: true,
})

import type { GroupRef } from '../index.js'

/** What JSON can hold: options have to reach a child process. */
export type JsonObject = { readonly [name: string]: JsonValue | undefined }
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject

/**
 * The adapter that is held against the suite, and what can be done to its broker. `adapter` alone is enough to begin with:
 * cases that need more are then listed as not run, each with what it needs.
 */
export interface Subject<Started extends StartedBroker = StartedBroker> {
  /** What `import()` takes: a package's name, or the URL of a file. Its default export is the adapter's factory. */
  readonly adapter: string | URL
  /** For the factory. Its capabilities are read with these, so they must be valid before `start` was called. */
  readonly options?: JsonObject
  /** Called once, before the first case. What it returns as `options` is added to the ones above. */
  start?(): Promise<Started>
  /** Called once, after the last case. */
  stop?(started: Started): Promise<void>
  /** How to hurt the broker, its link, and what it holds. Each one that is missing leaves its cases not run. */
  readonly faults?: Faults<Started>
  /** How long nothing must have happened before the suite believes that nothing will. 400 where none is given. */
  readonly quietMs?: number
  /** For the processes that cases start and kill: what `node` needs to import the adapter, a TypeScript loader for example. */
  readonly node?: { readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> }
  /** Starts a consumer that can be killed, where a process of its own cannot reach the broker. */
  startWorker?(started: Started, program: WorkerProgram): Promise<Worker>
}

export interface StartedBroker {
  /** Added to the subject's own: a URL with the port that was found, for example. */
  readonly options?: JsonObject
  /** As the report names it, `Redis 7.0.15` for example. */
  readonly broker?: string
}

/**
 * All of them resolve once they have taken effect. After each case that hurts, `heal` ends what `refuse`, `freeze`, `slow`,
 * `dropAnswer` and `block` began, and a broker that was killed is restarted.
 */
export interface Faults<Started = StartedBroker> {
  /** Ends the broker at once, as SIGKILL does. */
  kill?(started: Started): Promise<void>
  /** Starts it again, on what it had stored. Resolves once it answers. */
  restart?(started: Started): Promise<void>
  /** Resets every connection to the broker. New ones pass. */
  cut?(started: Started): Promise<void>
  /** Refuses new connections. Open ones stay. */
  refuse?(started: Started): Promise<void>
  /** Holds back everything towards the broker (`in`), from it (`out`), or both, with connections left open. */
  freeze?(started: Started, direction: 'in' | 'out' | 'both'): Promise<void>
  /** Lets that many bytes a second pass, each way. */
  slow?(started: Started, bytesPerSecond: number): Promise<void>
  /** The broker carries out the next request; its answer is lost, and the connection with it. Once. */
  dropAnswer?(started: Started): Promise<void>
  /** Makes the broker take no messages, as its memory alarm does. */
  block?(started: Started): Promise<void>
  heal?(started: Started): Promise<void>
  /** Connections that clients have to the broker now. */
  connections?(started: Started): Promise<number>
  /** Deletes the group, or the topic with it, at the broker and behind the adapter's back. */
  destroy?(started: Started, ref: GroupRef): Promise<void>
  /** Publishes as a program without this library does: the body, and none of our attributes. */
  publishForeign?(started: Started, topic: string, body: Uint8Array): Promise<void>
  /** Options with which the factory's adapter cannot log in: a wrong password, which is `secret`. */
  wrongCredentials?(started: Started): { readonly options: JsonObject; readonly secret: string }
  /** Options that name a port where nobody listens, with a password where there can be one, which is `secret`. */
  unreachable?(started: Started): { readonly options: JsonObject; readonly secret?: string }
  /** Options that reach a broker by TLS whose certificate is not trusted. */
  untrusted?(started: Started): { readonly options: JsonObject }
}

export type FaultName = keyof Faults

/** What a consumer in a process of its own does, until it is killed. */
export interface WorkerProgram {
  readonly adapter: string
  readonly options: JsonObject
  readonly ref: GroupRef
  readonly concurrency: number
  /**
   * What its handler does: `handle` returns at once, `hang` never returns, `crash` ends the process in the middle. With
   * `afterMs` it waits before that. `leave` is `handle`, but after the first message the queue is disconnected, and then the
   * process has to end by itself.
   */
  readonly handler: 'handle' | 'hang' | 'crash' | 'leave'
  readonly afterMs?: number
  readonly attempts?: number
}

/** A consumer outside of the suite's own process. */
export interface Worker {
  /** Told when a run of the handler starts and when it has ended well. */
  readonly events: readonly WorkerEvent[]
  /** Ends it at once, as SIGKILL does: nothing that it holds is given back by itself. */
  kill(): Promise<void>
  /** Resolves when it has ended, by itself or not. */
  readonly exited: Promise<void>
}

export interface WorkerEvent {
  readonly type: 'ready' | 'started' | 'handled'
  readonly id?: string
  readonly attempt?: number
}

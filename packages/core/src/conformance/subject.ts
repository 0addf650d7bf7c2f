import type { ForeignPlace, GroupRef, Transaction } from '../index.js'

/** Options are JSON, because they have to reach a child process. */
export type JsonObject = { readonly [name: string]: JsonValue | undefined }
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject

/**
 * Describes the adapter under test and what can be done to its broker. `adapter` alone is enough to begin with: cases that
 * need more are then reported as not run, each with what it needs.
 */
export interface Subject<Started extends StartedBroker = StartedBroker> {
  /** The name of a package or the URL of a file. Its default export is the adapter's factory. */
  readonly adapter: string | URL
  /** Options for the factory. They must already be valid, because capabilities are read before `start` runs. */
  readonly options?: JsonObject
  /**
   * Starts the broker. Called once, before the first case. The `options` that it returns are added to the ones above.
   */
  start?(): Promise<Started>
  /** Stops the broker. Called once, after the last case. */
  stop?(started: Started): Promise<void>
  /** Functions that disturb the broker, its link or its data. Cases that need a missing one are not run. */
  readonly faults?: Faults<Started>
  /** The time without any change after which the suite assumes that nothing more happens. Default: 400 ms. */
  readonly quietMs?: number
  /**
   * Settings for processes that cases start and kill: what `node` needs to import the adapter, such as a TypeScript
   * loader.
   */
  readonly node?: { readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> }
  /** Begins a transaction in the database of the broker. Needed only with the capability `joinsTransactions`. */
  begin?(started: Started): Promise<BegunTransaction>
  /** Starts a consumer that can be killed. Needed only if another process cannot reach the broker. */
  startWorker?(started: Started, program: WorkerProgram): Promise<Worker>
}

/** A transaction of the application. */
export interface BegunTransaction {
  readonly transaction: Transaction
  commit(): Promise<void>
  rollback(): Promise<void>
}

export interface StartedBroker {
  /** Options that are added to those of the subject, such as a URL with the actual port. */
  readonly options?: JsonObject
  /** The name and version for the report, such as `Redis 7.0.15`. */
  readonly broker?: string
}

/**
 * Disturbs the broker. Each function resolves once it has taken effect. After each case that uses one, `heal` ends the
 * effects of `refuse`, `freeze`, `slow`, `dropAnswer` and `block`, and a killed broker is restarted.
 */
export interface Faults<Started = StartedBroker> {
  /** Ends the broker at once, as SIGKILL does. */
  kill?(started: Started): Promise<void>
  /** Starts the broker again with its stored data. Resolves once it answers. */
  restart?(started: Started): Promise<void>
  /** Resets every connection to the broker. New connections pass. */
  cut?(started: Started): Promise<void>
  /** Refuses new connections. Open connections stay. */
  refuse?(started: Started): Promise<void>
  /** Holds back all bytes to the broker (`in`), from it (`out`), or both. Connections stay open. */
  freeze?(started: Started, direction: 'in' | 'out' | 'both'): Promise<void>
  /** Limits the bytes per second in each direction. */
  slow?(started: Started, bytesPerSecond: number): Promise<void>
  /** Loses the answer to the next request, which the broker carries out, and the connection with it. Happens once. */
  dropAnswer?(started: Started): Promise<void>
  /** Makes the broker accept no messages, as its memory alarm does. */
  block?(started: Started): Promise<void>
  /** Ends the effects of `refuse`, `freeze`, `slow`, `dropAnswer` and `block`. */
  heal?(started: Started): Promise<void>
  /** Returns the number of connections that clients have to the broker now. */
  connections?(started: Started): Promise<number>
  /** Opens another way to the same broker, which can be disturbed while the rest is well. */
  link?(started: Started): Promise<Link>
  /**
   * Returns the names of everything that the adapter has created at the broker for its groups and topics: keys, queues,
   * exchanges, groups. Cases compare what there is before and after. What the adapter shares among all topics may be left out.
   */
  leftovers?(started: Started): Promise<readonly string[]>
  /** Deletes the group, or its whole topic, at the broker without the adapter. */
  destroy?(started: Started, ref: GroupRef): Promise<void>
  /** Publishes like a program without this library: the body without our attributes. */
  publishForeign?(started: Started, topic: string, body: Uint8Array): Promise<void>
  /** Creates places like a program without this library, one of each kind that the adapter reads, with `name` in their names. */
  foreignPlaces?(started: Started, name: string): Promise<readonly ForeignPlace[]>
  /** Writes a message with this body, and without our attributes, to a place that `foreignPlaces` has created. */
  writeForeign?(started: Started, at: ForeignPlace, body: Uint8Array): Promise<void>
  /** Returns options with a wrong password, which is `secret`. */
  wrongCredentials?(started: Started): { readonly options: JsonObject; readonly secret: string }
  /** Returns options with a port on which nothing listens. If they can have a password, it is `secret`. */
  unreachable?(started: Started): { readonly options: JsonObject; readonly secret?: string }
  /** Returns options for TLS to a broker whose certificate is not trusted. */
  untrusted?(started: Started): { readonly options: JsonObject }
}

export type FaultName = keyof Faults

/** A way to the broker for one adapter or worker. Its faults add up until `heal`, and concern nobody else. */
export interface Link {
  /** Options that are added to those of the subject, so that an adapter uses this way, for all its connections. */
  readonly options: JsonObject
  /** Resets its connections. New connections pass. */
  cut(): Promise<void>
  /** Refuses new connections. Open connections stay. */
  refuse(): Promise<void>
  /** Holds back all bytes to the broker (`in`), from it (`out`), or both. Connections stay open. */
  freeze(direction: 'in' | 'out' | 'both'): Promise<void>
  /** Ends the effects of `refuse` and `freeze`. Bytes that were held back arrive. */
  heal(): Promise<void>
  /** Resets its connections and ends it. The suite calls this once, after the case. */
  close(): Promise<void>
}

/** Describes a consumer in a process of its own, which runs until it is killed. */
export interface WorkerProgram {
  readonly adapter: string
  readonly options: JsonObject
  readonly ref: GroupRef
  readonly concurrency: number
  /**
   * The behaviour of its handler: `handle` returns at once, `fail` throws, `hang` never returns, `crash` ends the process. With
   * `afterMs` it waits before that. `block` holds the event loop for `afterMs`, so that nothing else of the process runs, and
   * returns. `leave` is like `handle`, but disconnects the queue after the first message. The process then has to end by
   * itself.
   */
  readonly handler: 'handle' | 'fail' | 'hang' | 'block' | 'crash' | 'leave'
  readonly afterMs?: number
  readonly attempts?: number
  /** Whether its subscription is `ordered`. */
  readonly ordered?: boolean
}

/** A consumer outside the suite's own process. */
export interface Worker {
  /** Reports when a run of the handler starts, when its signal has aborted, and when it has succeeded. */
  readonly events: readonly WorkerEvent[]
  /** Ends the consumer at once, as SIGKILL does. It gives back none of its messages. */
  kill(): Promise<void>
  /**
   * Stops the whole consumer where it is, as SIGSTOP does: no timer fires and nothing is read or sent until `resume`. Cases
   * that need it are not run without it.
   */
  pause?(): Promise<void>
  /** Lets it go on, as SIGCONT does. It does not know how long it stood still. */
  resume?(): Promise<void>
  /** Resolves when the consumer has ended, by itself or not. */
  readonly exited: Promise<void>
}

export interface WorkerEvent {
  readonly type: 'ready' | 'started' | 'aborted' | 'handled'
  readonly id?: string
  readonly attempt?: number
}

import type { DeadLetters } from '../consume/dead-letters.js'
import type { RetryOptions } from '../consume/retry.js'
import type { AdapterHealth, GroupRef, QueueStats, Settlement, StartFrom } from './adapter.js'
import type { Capabilities } from './capabilities.js'
import type { Clock } from './clock.js'
import type { MqError } from './errors.js'
import type { EventDefinition } from './event.js'
import type { Failure } from './failure.js'
import type { Handler, SubscribeOptions, Subscription } from './handler.js'
import type { Log } from './log.js'
import type { Middleware } from './middleware.js'
import type { PublishAllOptions, PublishOptions, PublishResult } from './publish-options.js'

/** One connection to one broker, whichever it is. Made by `createQueue` or `openQueue`. */
export interface Queue extends AsyncDisposable {
  /** The name of the adapter, `redis` for example. */
  readonly type: string
  readonly capabilities: Capabilities
  readonly log: Log
  /** The adapter's, where it lends one; else the real time. */
  readonly clock: Clock
  /**
   * Resolves once publishing is possible; at once if it is already. After that the connection heals by itself.
   * Rejects with `MQ_CONNECT_FAILED`, `MQ_CONNECT_TIMEOUT`, `MQ_AUTH_FAILED` or `MQ_TLS_FAILED`, and may be called again then;
   * with `MQ_CLOSED` after `disconnect`.
   */
  connect(): Promise<void>
  /**
   * Stops all subscriptions, lets handlers finish and publishes leave until the deadline (`stopTimeoutMs`), closes. Handlers
   * may publish until they have ended. Always resolves. May be called twice, and is final.
   */
  disconnect(options?: { readonly timeoutMs?: number }): Promise<void>
  /**
   * Stores the message durably, then resolves.
   *
   * Rejects before anything is sent with `MQ_INVALID_DATA`, `MQ_NOT_SERIALIZABLE`, `MQ_INVALID_NAME`, `MQ_INVALID_HEADER`,
   * `MQ_INVALID_OPTION`, `MQ_NOT_SUPPORTED`, `MQ_MESSAGE_TOO_LARGE`, `MQ_BACKPRESSURE`, `MQ_NOT_CONNECTED`, `MQ_CLOSED` or a
   * `TypeError`; after that with `MQ_PUBLISH_REJECTED` (it is not stored) or `MQ_PUBLISH_UNKNOWN` (it may be).
   */
  publish<Input, Output>(
    event: EventDefinition<Input, Output>,
    data: NoInfer<Input>,
    options?: PublishOptions,
  ): Promise<PublishResult>
  publish(topic: string, data: unknown, options?: PublishOptions): Promise<PublishResult>
  /**
   * Publishes a list, in its order. All of it is checked before any of it is sent. Not atomic: when it rejects, the error's
   * `outcomes` say what became of each message.
   */
  publishAll<Input, Output>(
    event: EventDefinition<Input, Output>,
    data: readonly NoInfer<Input>[],
    options?: PublishAllOptions<NoInfer<Input>>,
  ): Promise<readonly PublishResult[]>
  publishAll(topic: string, data: readonly unknown[], options?: PublishAllOptions): Promise<readonly PublishResult[]>
  /**
   * Declares the group if it does not exist, and consumes. Once it has resolved, every message that is accepted reaches the
   * group at least once. Throws a `TypeError` when neither the options nor the queue name a group.
   */
  subscribe<Input, Output>(
    event: EventDefinition<Input, Output>,
    handler: Handler<Output>,
    options?: SubscribeOptions,
  ): Promise<Subscription>
  subscribe(topic: string, handler: Handler, options?: SubscribeOptions): Promise<Subscription>
  /** Makes the group keep messages before any consumer exists, so that a producer deployed first loses nothing. */
  declareGroup(target: Target, group: string, options?: { readonly startFrom?: StartFrom }): Promise<void>
  /** Removes the group with everything in it, its dead letters too. */
  deleteGroup(target: Target, group: string): Promise<void>
  deadLetters(target: Target, group?: string): DeadLetters
  stats(target: Target, group?: string): Promise<QueueStats>
  /** From memory, without asking the broker. */
  health(): QueueHealth
  /** For publishes and subscriptions made from now on. The first one added is outermost. */
  use(middleware: Middleware): Queue
  /** Returns a function that takes the listener away again. */
  on<Name extends keyof QueueEvents>(name: Name, listener: (event: QueueEvents[Name]) => void): () => void
}

/** A topic, by its name or by the definition of its event. */
export type Target = string | EventDefinition

export interface QueueOptions {
  /** The group of subscriptions that name none. */
  readonly group?: string
  /** CloudEvents `source` of what is published, a URI reference. `/mq` where none is given. */
  readonly source?: string
  /** Fills in what a subscription's own policy leaves out. */
  readonly retry?: RetryOptions | false
  /** 10 s where none is given. */
  readonly publishTimeoutMs?: number
  /** For declaring and deleting groups, stats and dead letters. 30 s where none is given. */
  readonly operationTimeoutMs?: number
  /** How long `stop` and `disconnect` let handlers finish. 30 s where none is given. */
  readonly stopTimeoutMs?: number
  /** Publishes without an answer, beyond which `publish` rejects with `MQ_BACKPRESSURE`. 10,000 where none is given. */
  readonly maxPendingMessages?: number
  /** Their bytes, likewise. 64 MiB where none is given. */
  readonly maxPendingBytes?: number
  /** What no listener takes is written here. Warnings and errors to stderr where none is given. */
  readonly log?: Log
}

export type QueueState = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'disconnecting' | 'disconnected'

export interface QueueHealth extends AdapterHealth {
  readonly state: QueueState
}

export interface QueueEvents {
  state: { readonly state: QueueState; readonly previous: QueueState; readonly error?: MqError }
  /** Something failed that no caller is told of. Logged when nobody listens. */
  error: { readonly error: MqError; readonly topic?: string; readonly group?: string }
  /** Messages are gone that a group had not finished. Logged when nobody listens. */
  'data-loss': GroupRef & { readonly reason: string; readonly count?: number }
  /** The broker takes no messages for now. */
  blocked: { readonly blocked: boolean; readonly reason?: string }
  /** A run of a handler has ended. */
  settled: SettledEvent
}

export interface SettledEvent extends GroupRef {
  readonly id: string
  readonly attempt: number
  readonly settlement: Settlement['kind']
  /** Before the next attempt, with the settlement `retry`. */
  readonly delayMs?: number
  readonly failure?: Failure
  /** How long the run took by `Clock.monotonic`, so that a time of day that is set anew does not count. Has fractions. */
  readonly durationMs: number
}

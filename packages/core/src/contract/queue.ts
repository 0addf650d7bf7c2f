import type { AdapterHealth, GroupRef, QueueStats, Settlement, StartFrom } from './adapter.js'
import type { Capabilities } from './capabilities.js'
import type { Clock } from './clock.js'
import type { MqError } from './errors.js'
import type { EventDefinition } from './event.js'
import type { Failure } from './failure.js'
import type { Handler, SubscribeOptions, Subscription, TombstoneHandler, TombstoneSubscribeOptions } from './handler.js'
import type { Log } from './log.js'
import type { Middleware } from './middleware.js'
import type { DeadLetters } from './operating/dead-letters.js'
import type { GroupInfo, Page, PageOptions, PauseOptions, TopicInfo, WaitingMessages } from './operating/inspect.js'
import type { PublishAllOptions, PublishOptions, PublishResult, TombstoneOptions } from './publish-options.js'
import type { RetryOptions } from './retry-options.js'
import type { StandardSchema } from './schema.js'

/** One connection to one broker, whichever it is. Made by `createQueue` or `openQueue`. */
export interface Queue extends AsyncDisposable {
  /** The name of the adapter, `redis` for example. */
  readonly type: string
  readonly capabilities: Capabilities
  /** Returns what holds for a target. For a foreign topic it may be less than `capabilities`. Throws if the adapter cannot read it. */
  capabilitiesOf(target: Target): Capabilities
  readonly log: Log
  /** The adapter's clock if it has one, else the real time. */
  readonly clock: Clock
  /**
   * Resolves once publishing is possible; at once if it is already. From then on the connection recovers by itself.
   *
   * Rejects with `MQ_CONNECT_FAILED`, `MQ_CONNECT_TIMEOUT`, `MQ_AUTH_FAILED` or `MQ_TLS_FAILED`, and may then be called again. Rejects
   * with `MQ_CLOSED` after `disconnect`.
   */
  connect(): Promise<void>
  /**
   * Stops all subscriptions, lets running handlers and publishes finish for `timeoutMs`, and closes. Handlers may publish until they have
   * ended. It always resolves, may be called twice, and is final. `timeoutMs` defaults to the queue's `stopTimeoutMs`.
   *
   * If a handler of the queue awaits it, it resolves at once. Closing goes on until that run has settled or the time is over, and the
   * outcome of the run counts.
   */
  disconnect(options?: { readonly timeoutMs?: number | undefined }): Promise<void>
  /**
   * Stores the message durably, then resolves.
   *
   * Rejects before anything is sent with `MQ_INVALID_DATA`, `MQ_NOT_SERIALIZABLE`, `MQ_INVALID_NAME`, `MQ_INVALID_HEADER`,
   * `MQ_INVALID_OPTION`, `MQ_NOT_SUPPORTED`, `MQ_MESSAGE_TOO_LARGE`, `MQ_BACKPRESSURE`, `MQ_NOT_CONNECTED`, `MQ_CLOSED` or a
   * `TypeError`. After that it rejects with `MQ_PUBLISH_REJECTED` if the message is not stored, or with `MQ_PUBLISH_UNKNOWN` if it may
   * be.
   */
  publish<Input, Output>(
    target: string | EventDefinition<Input, Output>,
    data: NoInfer<Input>,
    options?: PublishOptions,
  ): Promise<PublishResult>
  /**
   * Publishes a tombstone: a message without data that deletes its key. A compacted Kafka topic removes the earlier messages of the key;
   * every broker delivers it to the handlers that take tombstones. It resolves and rejects as `publish` does. No schema sees it.
   */
  publishTombstone(target: Target, key: string, options?: TombstoneOptions): Promise<PublishResult>
  /**
   * Publishes a list, in its order. All messages are checked before any is sent. It is not atomic: if it rejects, the `outcomes` of the
   * error say what became of each message. A list of more than `maxPendingMessages` or `maxPendingBytes` goes out in portions, one after
   * the other. `timeoutMs` is for the whole list: raise it for a long one.
   */
  publishAll<Input, Output>(
    target: string | EventDefinition<Input, Output>,
    data: readonly NoInfer<Input>[],
    options?: PublishAllOptions<NoInfer<Input>>,
  ): Promise<readonly PublishResult[]>
  /**
   * Looks at the messages of a task, in a group of its own or with `ephemeral`. A scheduler runs tasks, with `register`: a subscription to
   * the group of the workers would take runs away from them. Throws a `TypeError` if the options name no group.
   */
  subscribe<Input, Enqueued>(
    task: TaskTarget<Input, Enqueued>,
    handler: Handler<Input>,
    options: SubscribeOptions & ({ readonly group: string } | { readonly ephemeral: true }),
  ): Promise<Subscription>
  /**
   * Declares the group if it does not exist, and consumes. Once it has resolved, every message that is accepted reaches the group at
   * least once. Throws a `TypeError` if neither the options nor the queue name a group.
   */
  subscribe<Input, Output>(
    target: string | EventDefinition<Input, Output>,
    handler: TombstoneHandler<NoInfer<Output>>,
    options: TombstoneSubscribeOptions,
  ): Promise<Subscription>
  subscribe<Input, Output>(
    target: string | EventDefinition<Input, Output>,
    handler: Handler<NoInfer<Output>>,
    options?: SubscribeOptions,
  ): Promise<Subscription>
  /**
   * Makes the group keep messages before any consumer exists, so that a producer that is deployed first loses nothing. Default
   * for a task: the group of its workers.
   */
  declareGroup(target: Target, group: string, options?: { readonly startFrom?: StartFrom | undefined }): Promise<void>
  declareGroup(
    task: TaskTarget,
    group?: string,
    options?: { readonly startFrom?: StartFrom | undefined },
  ): Promise<void>
  /** Removes the group with its waiting messages and its dead letters. */
  deleteGroup(target: Target, group: string): Promise<void>
  deleteGroup(task: TaskTarget, group?: string): Promise<void>
  /**
   * Stops handing out the messages of a group, in all its processes, until `resumeGroup`. Resolves once that is stored: it outlives
   * every process, and a consumer that starts meanwhile starts paused. Does nothing if the group is paused.
   *
   * Every process obeys within 5 s, or within 5 s of being connected again. Running handlers end as usual. What was fetched and not
   * started goes back, and its attempt does not count. Messages that are published, retried, delayed or replayed meanwhile wait.
   *
   * Rejects with `MQ_GROUP_MISSING` if the group does not exist, and with `MQ_NOT_SUPPORTED` if the adapter cannot pause groups.
   */
  pauseGroup(target: Target, group: string, options?: PauseOptions): Promise<void>
  pauseGroup(task: TaskTarget, group?: string, options?: PauseOptions): Promise<void>
  /** Hands out the messages of a group again. Does nothing if the group is not paused. */
  resumeGroup(target: Target, group: string): Promise<void>
  resumeGroup(task: TaskTarget, group?: string): Promise<void>
  /** Returns the dead letters of a group. Default for a task: the group of its workers. */
  deadLetters(target: Target, group?: string): DeadLetters
  /** Returns the messages that a group has not finished. Default for a task: the group of its workers. */
  waiting(target: Target, group?: string): WaitingMessages
  /** Lists the topics at the broker, page by page, in any order that stays. Rejects with `MQ_NOT_SUPPORTED` if the adapter cannot. */
  topics(options?: PageOptions): Promise<Page<TopicInfo>>
  /** Lists the groups of a topic, ephemeral ones too, as `topics` lists topics. A topic that does not exist has none. */
  groups(target: Target, options?: PageOptions): Promise<Page<GroupInfo>>
  /**
   * Returns the state of a group: counts, ages, and whether it is paused. Default for a task: the group of its workers.
   *
   * The ticks to come of a schedule are not counted. In its group `replicas` nothing is delayed, and the ready messages are ticks that no
   * replica takes.
   */
  stats(target: Target, group?: string): Promise<QueueStats>
  /** Answers from memory, without asking the broker. */
  health(): QueueHealth
  /** Adds middleware for publishes and subscriptions made from now on. The first one added is outermost. */
  use(middleware: Middleware): Queue
  /** Adds a listener, and returns a function that removes it. */
  on<Name extends keyof QueueEvents>(
    name: Name,
    listener: (event: QueueEvents[Name]) => void,
    options?: ListenOptions,
  ): () => void
}

export interface ListenOptions {
  /** Whether events are logged as if nobody listened. Default: false. */
  readonly keepsLog?: boolean | undefined
}

/** A topic: by its name, by the definition of its event, or by a task. */
export type Target = string | EventDefinition | TaskTarget

/** The parts of a task that name its topic, `task.<name>`, and the type of its messages. The group of its workers is `workers`. */
export interface TaskTarget<Input = unknown, Enqueued = Input> {
  readonly name: string
  readonly input?: StandardSchema<Enqueued, Input> | undefined
  execute(input: Input, context: never): unknown
}

export interface QueueOptions {
  /** The group of subscriptions that name none. Default: no group. */
  readonly group?: string | undefined
  /** CloudEvents `source` of published messages, a URI reference. Default: `/mq`. */
  readonly source?: string | undefined
  /** Fills in what a subscription's own policy leaves out. Default: the defaults of `RetryOptions`. */
  readonly retry?: RetryOptions | false | undefined
  /** How long a publish may take. Default: 10 s. */
  readonly publishTimeoutMs?: number | undefined
  /** How long declaring and deleting groups, stats and dead letters may take. Default: 30 s. */
  readonly operationTimeoutMs?: number | undefined
  /** How long `stop` and `disconnect` let handlers finish. Default: 30 s. */
  readonly stopTimeoutMs?: number | undefined
  /** How many publishes may wait for the broker's answer. `publish` rejects with `MQ_BACKPRESSURE` beyond it. Default: 10,000. */
  readonly maxPendingMessages?: number | undefined
  /** How many bytes these publishes may have together. Default: 64 MiB. */
  readonly maxPendingBytes?: number | undefined
  /** Takes events that have no listener, and warnings. Default: warnings and errors go to stderr. */
  readonly log?: Log | undefined
  /**
   * Logs each run that is retried as a warning, and each dead letter as an error with its stack. A listener for `settled` gets them
   * instead. Default: true.
   */
  readonly logFailures?: boolean | undefined
  /** Whether dead letters keep the first 2,048 characters of the stack. Default: true. */
  readonly storeStacks?: boolean | undefined
}

/** The phase of a queue's life. `HealthStatus` says whether messages flow. */
export type QueueState = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'disconnecting' | 'disconnected'

export interface QueueHealth extends AdapterHealth {
  readonly state: QueueState
}

export interface QueueEvents {
  state: { readonly state: QueueState; readonly previous: QueueState; readonly error?: MqError }
  /** Something failed, and no caller gets the error. Logged if there is no listener. */
  error: { readonly error: MqError; readonly topic?: string; readonly group?: string }
  /** Messages are gone that a group had not finished. Logged if there is no listener. */
  'data-loss': GroupRef & { readonly reason: string; readonly count?: number }
  /** The broker takes no messages for now, so publishing waits; or, with `blocked: false`, it takes them again. */
  blocked: { readonly blocked: boolean; readonly reason?: string }
  /** A run of a handler has ended. Retries and dead letters are logged if there is no listener. */
  settled: SettledEvent
}

/** The end of one run of a handler, and the settlement of its message. */
export interface SettledEvent extends GroupRef {
  readonly id: string
  readonly attempt: number
  /**
   * `release` if the message was lost or given back while the handler ran, whether the handler returned or threw: the run is void, and the
   * message runs again.
   */
  readonly settlement: Settlement['kind']
  /** The delay before the next attempt, if the settlement is `retry`. */
  readonly delayMs?: number
  readonly failure?: Failure
  /** How long the run took by `Clock.monotonic`, which does not follow the wall clock when it is set anew. It has fractions. */
  readonly durationMs: number
}

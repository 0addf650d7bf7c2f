import type { AdapterCapabilities, OptionalCapability } from './capabilities.js'
import type { Clock } from './clock.js'
import type { MqError } from './errors.js'
import type { Failure } from './failure.js'
import type { ForeignPlace } from './foreign.js'
import type { OutgoingMessage, RawMessage } from './message.js'
import type { Diagnosis } from './operating/diagnosis.js'
import type {
  GroupInfo,
  GroupPause,
  Page,
  PageRequest,
  TopicInfo,
  TopicRef,
  WaitingStore,
} from './operating/inspect.js'
import type { Routed } from './publish-options.js'
import type { RunStatement } from './transaction.js'

/**
 * The version of this contract. It changes when an adapter that was written for it would no longer keep every promise.
 * See docs/decisions/0004-contract-2.md.
 */
export const adapterContract = 2

/**
 * The bridge to one broker, for `createQueue`. An adapter stores, fetches, delays, dead-letters and settles messages. Core does the
 * rest: retry policy, validation, serialisation, timeouts and middleware.
 *
 * Every promise settles: an adapter puts a time limit on each wait for the network. All rejections are `MqError`s.
 *
 * The members up to `on` are required, except `clock` and `foreignCapabilities`. A member that a later version of core adds within this
 * contract is optional. An adapter without it cannot do what the member stands for, and core refuses that with `MQ_NOT_SUPPORTED`.
 * Members that core does not know are ignored.
 */
export interface Adapter {
  /** The type of the queue, as in `Unsupported queue type: <name>` and in logs. */
  readonly name: string
  /** `createQueue` reads them once. An optional capability that is absent counts as "cannot". */
  readonly capabilities: AdapterCapabilities
  /**
   * The version of the contract that the adapter was written for, as a literal. Core refuses any other than its own with
   * `MQ_ADAPTER_INVALID`. An adapter that names none was written for version 1.
   */
  readonly contract: typeof adapterContract
  /** The clock of the whole queue. Default: real time. */
  readonly clock?: Clock
  /**
   * Resolves once publishing is possible, and opens nothing for consuming. Core never calls it while the adapter is connected, but may
   * call it again after it failed. Rejects with `MQ_CONNECT_FAILED`, `MQ_CONNECT_TIMEOUT`, `MQ_AUTH_FAILED` or `MQ_TLS_FAILED` and
   * leaves nothing open.
   */
  connect(): Promise<void>
  /**
   * Stops the remaining consumers, sends the messages that `publish` has accepted, and closes. It always resolves, shortly after
   * `timeoutMs` at the latest, and settles every publish that is still open. It may be called twice, and before `connect`.
   */
  disconnect(options: StopOptions): Promise<void>
  /**
   * Stores the messages and resolves to one outcome per message, in the order given. Settles at the latest when `options.signal` aborts
   * or `options.timeoutMs` have passed. A message without an answer is `unknown` then, or `rejected` if it was never sent.
   */
  publish(topic: string, messages: readonly OutgoingMessage[], options: PublishCall): Promise<readonly StoreOutcome[]>
  /**
   * Returns the capabilities that differ for a place that other programs own. Throws `MQ_INVALID_NAME` for a name that the broker does
   * not allow, and `MQ_NOT_SUPPORTED` for a kind of place that it does not have. An adapter without this member has no foreign topics,
   * and never gets a `ref` with `at`.
   */
  foreignCapabilities?(at: ForeignPlace): Partial<AdapterCapabilities>
  /**
   * Resolves once every message accepted from now on reaches the group. Does nothing if the group exists. Rejects with
   * `MQ_TOPIC_MISSING` if `ref.at` does not exist.
   */
  declareGroup(ref: TargetRef, options: { readonly startFrom: StartFrom }): Promise<void>
  /** Removes the group with its waiting messages and its dead letters. Does nothing if the group does not exist. */
  deleteGroup(ref: TargetRef): Promise<void>
  /**
   * Calls `handle` for the group's messages, with at most `concurrency` calls unsettled. Resolves once messages flow. The group was
   * declared before, unless `ephemeral` is set: an ephemeral group is created here and removed with its consumer.
   *
   * `handle` never throws and never rejects. Once `Delivery.signal` has aborted, the adapter stops waiting for it and ignores its
   * settlement.
   */
  consume(ref: TargetRef, options: ConsumeOptions, handle: Handle): Promise<Consumer>
  /** Sends nothing. The group need not exist. */
  deadLetters(ref: TargetRef): DeadLetterStore
  stats(ref: TargetRef): Promise<StoredStats>
  /** Answers from memory, without asking the broker. */
  health(): AdapterHealth
  /** Adds a listener, and returns a function that removes it. */
  on(listener: (event: AdapterEvent) => void): () => void
  /** Says what would help, or why nothing does, for capabilities that the adapter lacks. Core ends its refusals with it. */
  readonly advice?: Partial<Readonly<Record<OptionalCapability, string>>>
  /** Lists the topics of this library, in any order that stays. Required with the capability `listsTopics`. */
  topics?(page: PageRequest): Promise<Page<TopicInfo>>
  /** Lists the groups of a topic, in any order that stays. Required with the capability `listsGroups`. */
  groups?(topic: TopicRef, page: PageRequest): Promise<Page<GroupInfo>>
  /** Sends nothing. Required with the capabilities `listsWaiting` and `listsInFlight`. */
  waiting?(ref: TargetRef): WaitingStore
  /**
   * Stores a mark with the group, as durably as its messages, and resolves. It keeps the mark of a group that is paused. Rejects with
   * `MQ_GROUP_MISSING` if the group does not exist. Required with the capability `pausesGroups`.
   *
   * Every consumer of the group, in every process, obeys within 5 s of that, or of reconnecting, and `health` says so. It starts no more
   * messages, lets running ones finish, and gives back what it holds but has not started. Retries and delays go on, and what is due
   * becomes ready.
   */
  pauseGroup?(ref: TargetRef, mark: GroupPause): Promise<void>
  /** Removes the mark of a group, and does nothing if there is none. Consumers obey within 5 s. Required with `pausesGroups`. */
  resumeGroup?(ref: TargetRef): Promise<void>
  /**
   * Looks for what is wrong with the broker: versions, rights, settings that lose messages, clocks. What it makes at the broker to find
   * out, it removes. Rejects only if the broker does not answer; a right that it lacks is a finding. An adapter without this member has
   * nothing to say about its broker.
   */
  diagnose?(): Promise<Diagnosis>
}

/** Names a group of a topic. */
export interface GroupRef {
  readonly topic: string
  readonly group: string
}

/** Names a group of a topic, and the foreign place that the topic stands for, if it does. */
export interface TargetRef extends GroupRef {
  /** The place to read instead of the topic's own. What the group stores for itself stays under the name of the topic. */
  readonly at?: ForeignPlace
}

/** The beginning of a new group: `latest` takes messages from now on, `earliest` begins with the oldest message that is retained. */
export type StartFrom = 'latest' | 'earliest'

export interface StopOptions {
  /** How long messages in flight may take. 0 aborts them at once. */
  readonly timeoutMs: number
}

/** The limits of one call of `publish`. See docs/decisions/0001-publish-deadline-as-a-number.md. */
export interface PublishCall {
  readonly timeoutMs: number
  /** Aborts when the time is over or the caller has aborted. Created on first access; do not read it on the fast path. */
  readonly signal: AbortSignal
  /**
   * The transaction of the application in which the messages are stored, in this call alone. Set only with
   * `capabilities.joinsTransactions`. Nothing is repeated in it, because an error has ended it.
   */
  readonly transaction?: RunStatement | undefined
}

/** The outcome of one message that `Adapter.publish` was to store. */
export interface StoreOutcome {
  readonly status: 'stored' | 'rejected' | 'unknown'
  readonly routed: Routed
  /** The reason, if the status is not `stored`. */
  readonly error?: MqError
}

export interface ConsumeOptions {
  readonly concurrency: number
  /** Handles messages of one key one after the other, and other keys meanwhile. Set only with `capabilities.orderedKeys`. */
  readonly ordered: boolean
  /**
   * The consumer has a group to itself and gets every message from now on; other groups get them too. `retry`, `dead` and `release` are
   * carried out like `done`, and the group holds nothing up.
   */
  readonly ephemeral: boolean
}

/** The function of core that an adapter calls for each delivery. The adapter carries out the settlement that it resolves with. */
export type Handle = (delivery: Delivery) => Promise<Settlement>

/** One run of a message: what an adapter gives to `Handle`. */
export interface Delivery {
  readonly message: RawMessage
  /** 1 on the first run. */
  readonly attempt: number
  /**
   * The failure of the run before this one. A replayed message has that of its dead letter, as `failureBeforeReplay` makes it. It
   * leads to the last run in a trace, and has no other effect.
   */
  readonly failure?: Failure
  /**
   * How long the event loop of this process stood still, if the delivery before this one was lost over that. Core says so in the failure
   * of a message that comes too often.
   */
  readonly stalledMs?: number | undefined
  /**
   * Aborts when the adapter no longer owns the message, with `MQ_OWNERSHIP_LOST`, `MQ_CONNECTION_LOST` or `MQ_STOPPED`. A settlement
   * after that is void. `lazyAbort` makes a signal that costs nothing until it is read.
   * See docs/decisions/0002-abort-ends-a-delivery.md.
   */
  readonly signal: AbortSignal
  /**
   * Whether `signal` has aborted, read for each run. `LazyAbort.aborted` answers without creating the signal. Default: `signal.aborted`.
   */
  readonly aborted?: boolean
  /** Set if the adapter could not read the attributes; `message.body` has the bytes that were found. Core dead-letters the message. */
  readonly decodeError?: MqError
}

/** The fate of a delivered message. It is carried out once, as atomically as the broker can. */
export type Settlement =
  /** Acknowledges the message. */
  | { readonly kind: 'done' }
  /** Gives the message back unchanged: another consumer gets it, and the attempt does not count. Used only while stopping. */
  | { readonly kind: 'release' }
  /** Delivers the message again to this group, no earlier than after `delayMs`, with the next attempt number and this failure. */
  | { readonly kind: 'retry'; readonly delayMs: number; readonly failure: Failure }
  /** Moves the message to the group's dead letters. */
  | { readonly kind: 'dead'; readonly failure: Failure }

/** A consumer of one group that an adapter has started. Applications see it as a `Subscription`. */
export interface Consumer {
  /**
   * Ends intake at once and lets running handlers finish for `timeoutMs`. Then it aborts their signals and gives back the messages that
   * are not settled. It always resolves, and may be called twice.
   */
  stop(options: StopOptions): Promise<void>
}

/** The dead letters of one group at the broker. Applications see them as `DeadLetters`. */
export interface DeadLetterStore {
  /** Lists the oldest entries first, at most `limit`. */
  list(options: { readonly limit: number }): Promise<readonly RawDeadLetter[]>
  /**
   * Lists a page of all entries, the oldest first. Rejects with `MQ_INVALID_OPTION` if `after` is not a `next` of this list. Optional:
   * without it, core looks at the oldest 10,000 entries only.
   */
  page?(page: PageRequest): Promise<Page<RawDeadLetter>>
  /** Sends entries to their group alone, as attempt 1 and with the ids they had. Default: all entries. */
  replay(entryIds?: readonly string[]): Promise<number>
  /** Removes entries for good. Default: all entries. */
  purge(entryIds?: readonly string[]): Promise<number>
}

/** A dead letter whose body is not decoded yet. */
export interface RawDeadLetter {
  /** Names this entry. A message that died twice has two entries. */
  readonly entryId: string
  readonly message: RawMessage
  readonly failure: Failure
}

/** The state of a group. A number is undefined if the broker does not know it. All are undefined for a group that does not exist. */
export interface QueueStats {
  /** Waiting to be handled now, those that were replayed among them. */
  readonly ready: number | undefined
  /** Being handled. */
  readonly inFlight: number | undefined
  /** Waiting for the time that their publisher has set. If `retrying` is undefined, those that wait for a retry as well. */
  readonly delayed: number | undefined
  /** Waiting for a retry after a run that failed. */
  readonly retrying: number | undefined
  readonly dead: number | undefined
  /**
   * How long the message that has been ready for longest could have run: since its publish, or since its delay or the pause before its
   * retry ended. 0 if none is ready.
   */
  readonly oldestReadyMs: number | undefined
  /** How long ago the oldest dead letter failed. 0 if there is none. */
  readonly oldestDeadMs: number | undefined
  /** Since when the group is paused, and by whom. Undefined if it is not. */
  readonly paused: GroupPause | undefined
}

/** A number that an adapter may leave out. Each one that a later version of core adds within this contract is optional too. */
type OptionalStat = 'retrying' | 'oldestReadyMs' | 'oldestDeadMs' | 'paused'

/** The state of a group as an adapter knows it. One that cannot count retries by themselves counts them as delayed. */
export interface StoredStats extends Omit<QueueStats, OptionalStat>, Partial<Pick<QueueStats, OptionalStat>> {}

/** Says whether messages flow: `down` while there is no connection, `degraded` while there is one but a consumer gets nothing. */
export type HealthStatus = 'up' | 'degraded' | 'down'

export interface AdapterHealth {
  readonly status: HealthStatus
  readonly consumers: readonly ConsumerHealth[]
  /**
   * How long this process may hold its event loop before the broker gives its messages to others, if the adapter knows. It changes if
   * the adapter has to do without a thread.
   */
  readonly maxStallMs?: number
  /** The latest error, even if the trouble is over. */
  readonly lastError?: MqError
}

export interface ConsumerHealth extends GroupRef {
  /** Whether the consume loop itself runs, not only its connection. `paused` if it takes nothing because the group is paused. */
  readonly status: 'consuming' | 'paused' | 'recovering' | 'stopping'
  /** Since when the group is paused, and by whom, with the status `paused`. */
  readonly paused?: GroupPause
}

export type AdapterEvent =
  /** The connection was established or lost. */
  | { readonly type: 'state'; readonly state: 'connected' | 'reconnecting'; readonly error?: MqError }
  /** Something failed, and no caller gets the error. */
  | { readonly type: 'error'; readonly error: MqError; readonly topic?: string; readonly group?: string }
  /** Messages are gone that a group had not finished: deleted, expired or trimmed at the broker. */
  | ({ readonly type: 'data-loss'; readonly reason: string; readonly count?: number } & GroupRef)
  /** The broker takes no messages for now, so publishing waits; or, with `blocked: false`, it takes them again. */
  | { readonly type: 'blocked'; readonly blocked: boolean; readonly reason?: string }

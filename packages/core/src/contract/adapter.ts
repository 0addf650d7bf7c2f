import type { AdapterCapabilities } from './capabilities.js'
import type { Clock } from './clock.js'
import type { MqError } from './errors.js'
import type { Failure } from './failure.js'
import type { OutgoingMessage, RawMessage } from './message.js'
import type { Routed } from './publish-options.js'

/** The version of this contract. It changes when an adapter that was written for it would no longer keep every promise. */
export const adapterContract = 2

/**
 * What one broker can do, for `createQueue`. An adapter stores, fetches, delays, dead-letters and settles; retry policy,
 * validation, serialisation, timeouts and middleware are core's.
 *
 * Every promise settles: an adapter puts a deadline on each wait for the network. All rejections are `MqError`s.
 *
 * Every member is required but `clock`. A member that a later version of core adds within this contract is optional, and an
 * adapter without it "cannot": what needs it is refused with `MQ_NOT_SUPPORTED`. Members that core does not know are ignored.
 */
export interface Adapter {
  /** As in `Unsupported queue type: <name>` and in logs. */
  readonly name: string
  /** `createQueue` reads them once. What is optional among them counts as "cannot" if it is absent. */
  readonly capabilities: AdapterCapabilities
  /**
   * The version of the contract that the adapter was written for, as a literal. Core refuses any other than its own with
   * `MQ_ADAPTER_INVALID`; an adapter that names none was written for 1.
   */
  readonly contract: typeof adapterContract
  /** Core takes the time from it too. Optional: without it the time is real. */
  readonly clock?: Clock
  /**
   * Resolves once publishing is possible. Called again after it failed, never while connected. Opens nothing for consuming.
   * Rejects with `MQ_CONNECT_FAILED`, `MQ_CONNECT_TIMEOUT`, `MQ_AUTH_FAILED` or `MQ_TLS_FAILED` and leaves nothing open.
   */
  connect(): Promise<void>
  /**
   * Stops the consumers that are left, sends what was accepted for publishing, closes. Always resolves, at the latest shortly
   * after the deadline, and settles every publish still open. May be called twice, and before `connect`.
   */
  disconnect(options: StopOptions): Promise<void>
  /**
   * Stores the messages. One outcome per message, in the order given. Settles at the latest when `options.signal` aborts or
   * `options.timeoutMs` have passed; what has no answer by then is `unknown`, or `rejected` if it was never sent.
   */
  publish(topic: string, messages: readonly OutgoingMessage[], options: PublishCall): Promise<readonly StoreOutcome[]>
  /** Resolves once every message accepted from now on reaches the group. Does nothing for a group that exists. */
  declareGroup(ref: GroupRef, options: { readonly startFrom: StartFrom }): Promise<void>
  /** Removes the group with all that waits for it, its dead letters too. Does nothing for a group that does not exist. */
  deleteGroup(ref: GroupRef): Promise<void>
  /**
   * Calls `handle` for the group's messages, with at most `concurrency` calls unsettled. Resolves once messages flow. The
   * group was declared before, unless `ephemeral` is set: then it is made here and removed with the consumer.
   *
   * `handle` never rejects. Once `Delivery.signal` has aborted, the adapter waits for it no longer and ignores its answer.
   */
  consume(ref: GroupRef, options: ConsumeOptions, handle: Handle): Promise<Consumer>
  /** Sends nothing; the group need not exist. */
  deadLetters(ref: GroupRef): DeadLetterStore
  stats(ref: GroupRef): Promise<QueueStats>
  /** From memory, without asking the broker. */
  health(): AdapterHealth
  /** Returns a function that takes the listener away again. */
  on(listener: (event: AdapterEvent) => void): () => void
}

export interface GroupRef {
  readonly topic: string
  readonly group: string
}

/** Where a new group begins: with what comes from now on, or with the oldest message that is retained. */
export type StartFrom = 'latest' | 'earliest'

export interface StopOptions {
  /** How long messages in flight may take. 0 aborts them at once. */
  readonly timeoutMs: number
}

export interface PublishCall {
  readonly timeoutMs: number
  /** Aborts when the time is over or the caller has lost interest. Made on first access: reading it has a price. */
  readonly signal: AbortSignal
}

export interface StoreOutcome {
  readonly status: 'stored' | 'rejected' | 'unknown'
  readonly routed: Routed
  /** Why it is not `stored`. */
  readonly error?: MqError
}

export interface ConsumeOptions {
  readonly concurrency: number
  /** Messages of one key one after the other, other keys meanwhile. Only with `capabilities.orderedKeys`. */
  readonly ordered: boolean
  /**
   * This consumer alone gets everything from now on. `retry`, `dead` and `release` are carried out like `done`, and the group
   * holds nothing up.
   */
  readonly ephemeral: boolean
}

export type Handle = (delivery: Delivery) => Promise<Settlement>

export interface Delivery {
  readonly message: RawMessage
  /** 1 on the first run. */
  readonly attempt: number
  /** How the run before this one ended. */
  readonly failure?: Failure
  /**
   * Aborts when the adapter no longer owns the message, with `MQ_OWNERSHIP_LOST`, `MQ_CONNECTION_LOST` or `MQ_STOPPED`. A
   * settlement after that is void. `lazyAbort` makes one that costs nothing until it is read.
   */
  readonly signal: AbortSignal
  /** Set when the adapter could not read the attributes; `message.body` is what was found. Core dead-letters it. */
  readonly decodeError?: MqError
}

/** What becomes of a message. Carried out once, as atomically as the broker can. */
export type Settlement =
  /** Acknowledge. */
  | { readonly kind: 'done' }
  /** Give back unchanged: another consumer gets it, the attempt does not count. Only while stopping. */
  | { readonly kind: 'release' }
  /** Deliver again to this group, no earlier than after `delayMs`, with the next attempt number and this failure. */
  | { readonly kind: 'retry'; readonly delayMs: number; readonly failure: Failure }
  /** Move to the group's dead letters. */
  | { readonly kind: 'dead'; readonly failure: Failure }

export interface Consumer {
  /**
   * Ends intake at once, lets running handlers finish until the deadline, then aborts their signals and gives back what is
   * not settled. Always resolves. May be called twice.
   */
  stop(options: StopOptions): Promise<void>
}

export interface DeadLetterStore {
  /** The oldest first, at most `limit`. */
  list(options: { readonly limit: number }): Promise<readonly RawDeadLetter[]>
  /** Sends entries to their group alone, as attempt 1 and with the id they had; all of them where no ids are given. */
  replay(entryIds?: readonly string[]): Promise<number>
  /** Removes entries for good; all of them where no ids are given. */
  purge(entryIds?: readonly string[]): Promise<number>
}

export interface RawDeadLetter {
  /** Names this entry: a message that died twice has two. */
  readonly entryId: string
  readonly message: RawMessage
  readonly failure: Failure
}

/** Counts of messages; undefined where the broker cannot tell. */
export interface QueueStats {
  /** Waiting to be handled now. */
  readonly ready: number | undefined
  /** Being handled. */
  readonly inFlight: number | undefined
  /** Waiting for their time: delayed by the publisher, or before a retry. */
  readonly delayed: number | undefined
  readonly dead: number | undefined
}

/** `down` while no connection stands, `degraded` while one stands but a consumer gets nothing. */
export type HealthStatus = 'up' | 'degraded' | 'down'

export interface AdapterHealth {
  readonly status: HealthStatus
  readonly consumers: readonly ConsumerHealth[]
  /** The latest trouble, also when it is over. */
  readonly lastError?: MqError
}

export interface ConsumerHealth extends GroupRef {
  /** Whether the consume loop itself runs, not only its connection. */
  readonly status: 'consuming' | 'recovering' | 'stopping'
}

export type AdapterEvent =
  /** The connection came or went. */
  | { readonly type: 'state'; readonly state: 'connected' | 'reconnecting'; readonly error?: MqError }
  /** Something failed that no caller is told of. */
  | { readonly type: 'error'; readonly error: MqError; readonly topic?: string; readonly group?: string }
  /** Messages are gone that a group had not finished: deleted, expired or trimmed at the broker. */
  | ({ readonly type: 'data-loss'; readonly reason: string; readonly count?: number } & GroupRef)
  /** The broker takes no messages for now; publishing waits. */
  | { readonly type: 'blocked'; readonly blocked: boolean; readonly reason?: string }

import type { GroupRef, TargetRef } from '../adapter.js'
import type { Failure } from '../failure.js'
import type { RawMessage } from '../message.js'

/** One page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[]
  /** The `after` of the next page. Absent on the last one. */
  readonly next?: string
}

export interface PageOptions {
  /** The longest page, from 1 to 1,000. It may be shorter, also if it is not the last one. Default: 100. */
  readonly limit?: number | undefined
  /** The `next` of the page before. Default: the first page. */
  readonly after?: string | undefined
}

/** The page that an adapter returns. Core has checked both. */
export interface PageRequest {
  readonly limit: number
  /** A `next` of this adapter, or any other text, because it comes from outside. */
  readonly after?: string
}

export interface TopicInfo {
  readonly topic: string
}

export interface GroupInfo extends GroupRef {
  /** True for the group of an `ephemeral` subscription, which ends with it. */
  readonly ephemeral: boolean
  /** How many subscriptions consume it now, in all processes. Undefined if the broker does not know. */
  readonly consumers: number | undefined
  /** Undefined if the group is not paused. */
  readonly paused?: GroupPause | undefined
}

/** The mark of a group that is paused. */
export interface GroupPause {
  /** Milliseconds since 1970, by the clock of the process that paused the group. */
  readonly since: number
  /** The person or the program that paused the group, as `pauseGroup` was told. */
  readonly by: string
}

export interface PauseOptions {
  /** Names who pauses, for everybody who looks: 1 to 255 bytes. Default: the name of the host and the id of the process. */
  readonly by?: string | undefined
}

/**
 * - `ready`: may be handled now, and waits for a consumer.
 * - `delayed`: waits for the time that its publisher has set.
 * - `retrying`: waits for a retry after a run that failed.
 * - `inFlight`: is being handled.
 */
export const messageStates = ['ready', 'delayed', 'retrying', 'inFlight'] as const

export type MessageState = (typeof messageStates)[number]

export interface WaitingOptions extends PageOptions {
  /** Default: `ready`. */
  readonly state?: MessageState | undefined
}

/** The messages that a group has not finished. Listing changes nothing, and takes no message from a consumer. */
export interface WaitingMessages {
  /**
   * Lists messages of one state. Those that are ready come in the order in which the group takes them, as far as the broker has one.
   * Those that are delayed or retrying begin with the one that is due first, and those in flight with the one that has run for longest.
   * Messages come and go meanwhile, so pages that are read one after the other may miss or repeat those that have changed their state.
   */
  list(options?: WaitingOptions): Promise<Page<WaitingMessage>>
  /**
   * Removes messages that are ready, delayed or retrying from this group for good. Other groups keep theirs. A message that runs or has
   * gone is left alone and not counted.
   */
  remove(entryIds: readonly string[]): Promise<{ readonly removed: number }>
  /**
   * Makes messages ready at once that are delayed or retrying, in this group alone. Other groups get a delayed message in its time. A
   * message in any other state is left alone and not counted.
   */
  runNow(entryIds: readonly string[]): Promise<{ readonly readied: number }>
}

/** A message that a group has not finished. */
export interface WaitingMessage extends RawWaiting {
  /** The decoded body, not validated. Undefined if the body cannot be decoded, and null for a tombstone. */
  readonly data: unknown
  /** True if the message deletes its key and has no data. */
  readonly tombstone: boolean
}

/** A message that a group has not finished, as an adapter lists it. */
export interface RawWaiting {
  /** Names the entry for `remove` and `runNow`, for as long as it is in this state. Other groups have other names for their copies. */
  readonly entryId: string
  readonly state: MessageState
  readonly message: RawMessage
  /** The number of the run that is to come, or of the one in flight. 1 is the first. */
  readonly attempt: number
  /** The failure of the run before, if there was one. */
  readonly failure?: Failure
  /** When a message that is delayed or retrying is due. Milliseconds since 1970. */
  readonly dueAt?: number
  /** When the run of a message in flight began. Milliseconds since 1970. Absent if the broker does not know. */
  readonly startedAt?: number
}

/** The unfinished messages of one group at the broker. Applications see them as `WaitingMessages`. */
export interface WaitingStore {
  /** Rejects with `MQ_INVALID_OPTION` if `after` is not a `next` of this list. A group that does not exist has an empty page. */
  list(options: PageRequest & { readonly state: MessageState }): Promise<Page<RawWaiting>>
  /** Required with the capability `removesWaiting`. Returns how many it has removed. */
  remove?(entryIds: readonly string[]): Promise<number>
  /** Required with the capability `runsNow`. Returns how many it has made ready. */
  runNow?(entryIds: readonly string[]): Promise<number>
}

/** Names a topic, and the foreign place that it stands for, if it does. */
export interface TopicRef extends Pick<TargetRef, 'topic' | 'at'> {}

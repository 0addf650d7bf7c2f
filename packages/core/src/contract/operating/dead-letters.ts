import type { Failure, FailureReason } from '../failure.js'
import type { RawMessage } from '../message.js'
import type { Page, PageOptions } from './inspect.js'

/** The messages that a group gave up on. Listing changes nothing; replaying, purging and editing remove entries. */
export interface DeadLetters {
  /**
   * Lists the oldest entries first, at most `limit` of them. `limit` is from 1 to 10,000. Default: 100. With `where`, it lists those that
   * match. It then looks at all entries if the adapter lists pages of them, and otherwise at the oldest 10,000.
   */
  list(options?: DeadLetterListOptions): Promise<readonly DeadLetter[]>
  /**
   * Lists a page of the entries, the oldest first. Give its `next` as `after` to get the one behind it, however many there are. Rejects
   * with `MQ_NOT_SUPPORTED` if the adapter does not list pages of dead letters.
   */
  page(options?: PageOptions): Promise<Page<DeadLetter>>
  /**
   * Sends entries to their group alone. Each is a first attempt and keeps its id. An empty list replays none. Default: all entries.
   */
  replay(entryIds?: readonly string[]): Promise<{ readonly replayed: number }>
  /**
   * Replays entries that match, those that died first before others, at a rate. It takes those that are there at the call, so a message
   * that dies again meanwhile is not replayed twice. If it is broken off, what it has not replayed is still there: call it again.
   */
  replay(options: ReplayOptions): Promise<ReplayResult>
  /** Removes entries for good. An empty list removes none. Default: all entries. */
  purge(entryIds?: readonly string[]): Promise<{ readonly purged: number }>
  /** Removes for good the entries that match, of those that are there at the call. */
  purge(options: PurgeOptions): Promise<PurgeResult>
  /**
   * Sends a changed copy of a message to its group alone, and then removes the entry. The copy is a first attempt and has a new id. Its
   * `causationid` is the old one. The data is checked by the schema of the target, if it has one. `edited` is 0 if there is no such entry
   * among those at which `list` looks.
   *
   * If it is broken off, the entry may still be there although the copy was sent. The same change has the same new id, so repeat the call.
   *
   * Rejects as `publish` does, with `MQ_INVALID_DATA` for a tombstone, and with `MQ_NOT_SUPPORTED` for a foreign topic.
   */
  edit(entryId: string, change: DeadLetterChange): Promise<{ readonly edited: number; readonly id?: string }>
}

export interface DeadLetterListOptions {
  readonly limit?: number | undefined
  /** Lists only entries that match. Default: all. */
  readonly where?: DeadLetterCondition | undefined
}

/** A filter, or a function that says whether an entry matches. The function must not throw. */
export type DeadLetterCondition = DeadLetterFilter | ((letter: DeadLetter) => boolean)

/** Conditions that all have to hold. One that is undefined does not count. */
export interface DeadLetterFilter {
  readonly reason?: FailureReason | readonly FailureReason[] | undefined
  /** The `name` of the error, as the dead letter has it. */
  readonly errorName?: string | undefined
  /** The `code` of the error, as the dead letter has it. */
  readonly errorCode?: string | undefined
  /** The message failed for the last time at least so long ago. */
  readonly minAgeMs?: number | undefined
  /** The message failed for the last time at most so long ago. */
  readonly maxAgeMs?: number | undefined
  readonly id?: string | undefined
  readonly key?: string | undefined
  /** Fields of the decoded data by their paths, such as `{ 'customer.country': 'DE' }`. The values have to be equal. */
  readonly data?: Readonly<Record<string, string | number | boolean | null>> | undefined
}

export interface ReplayOptions {
  /** Default: all entries. */
  readonly where?: DeadLetterCondition | undefined
  /** How many entries to replay at most. Default: all that match. */
  readonly limit?: number | undefined
  /** How many entries to replay within any `perMs`, in small portions. Default: as fast as the broker takes them. */
  readonly rate?: ReplayRate | undefined
  /** Breaks the replay off when it aborts. The call then resolves with what it has done. */
  readonly signal?: AbortSignal | undefined
  /** Called after each portion. */
  readonly onProgress?: ((progress: { readonly replayed: number }) => void) | undefined
}

export interface ReplayRate {
  readonly messages: number
  readonly perMs: number
}

export interface PurgeOptions {
  readonly where: DeadLetterCondition
  /** How many entries to remove at most. Default: all that match. */
  readonly limit?: number | undefined
  /** Breaks the purge off when it aborts. The call then resolves with what it has done. */
  readonly signal?: AbortSignal | undefined
  /** Called after each portion. */
  readonly onProgress?: ((progress: { readonly purged: number }) => void) | undefined
}

export interface ReplayResult {
  readonly replayed: number
  /**
   * False if it was broken off or reached its limit. False too if not every entry was looked at: if the adapter lists no pages of dead
   * letters, over 10,000 that do not match hide the others.
   */
  readonly complete: boolean
}

export interface PurgeResult {
  readonly purged: number
  /** As in `ReplayResult`. */
  readonly complete: boolean
}

/** The parts of a message that an edited copy has instead of its own. */
export interface DeadLetterChange {
  readonly data: unknown
  /** Replaces all headers. Default: those of the message. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Default: the key of the message. */
  readonly key?: string | undefined
}

export interface DeadLetter {
  /** Names the entry for `replay`, `purge` and `edit`. A message that died twice has two entries. */
  readonly entryId: string
  /** The message as it was published, with its bytes. */
  readonly message: RawMessage
  /** The decoded body, not validated. Undefined if the body cannot be decoded, and null for a tombstone. */
  readonly data: unknown
  /** True if the message deletes its key and has no data. */
  readonly tombstone: boolean
  readonly failure: Failure
}

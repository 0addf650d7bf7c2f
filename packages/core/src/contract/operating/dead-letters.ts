import type { Failure } from '../failure.js'
import type { RawMessage } from '../message.js'

/** The messages that a group gave up on. Listing changes nothing; replaying and purging remove entries. */
export interface DeadLetters {
  /** Lists the oldest entries first, at most `limit` of them. `limit` is from 1 to 10,000. Default: 100. */
  list(options?: { readonly limit?: number | undefined }): Promise<readonly DeadLetter[]>
  /**
   * Sends entries to their group alone. Each is a first attempt and keeps its id. An empty list replays none. Default: all entries.
   */
  replay(entryIds?: readonly string[]): Promise<{ readonly replayed: number }>
  /** Removes entries for good. An empty list removes none. Default: all entries. */
  purge(entryIds?: readonly string[]): Promise<{ readonly purged: number }>
}

export interface DeadLetter {
  /** Names the entry for `replay` and `purge`. A message that died twice has two entries. */
  readonly entryId: string
  /** The message as it was published, with its bytes. */
  readonly message: RawMessage
  /** The decoded body, not validated. Undefined if the body cannot be decoded, and null for a tombstone. */
  readonly data: unknown
  /** True if the message deletes its key and has no data. */
  readonly tombstone: boolean
  readonly failure: Failure
}

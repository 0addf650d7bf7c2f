import { withTimeout } from '../adapter-kit/with-timeout.js'
import type { DeadLetterStore } from '../contract/adapter.js'
import { requireInteger, shown } from '../contract/checks.js'
import { MqError } from '../contract/errors.js'
import type { Failure } from '../contract/failure.js'
import type { RawMessage } from '../contract/message.js'
import { decodeData } from '../wire/codec.js'

/** The messages that a group gave up on. Listing changes nothing; replaying and purging take them out. */
export interface DeadLetters {
  /** The oldest first; at most `limit`, 100 where none is given, 10,000 at most. */
  list(options?: { readonly limit?: number }): Promise<readonly DeadLetter[]>
  /** Sends entries to their group alone, as a first attempt with the id they had. All where no ids are given, none for an empty list. */
  replay(entryIds?: readonly string[]): Promise<{ readonly replayed: number }>
  /** Removes entries for good. All where no ids are given, none for an empty list. */
  purge(entryIds?: readonly string[]): Promise<{ readonly purged: number }>
}

export interface DeadLetter {
  /** For `replay` and `purge`. A message that died twice has two entries. */
  readonly entryId: string
  /** As it was published, with the bytes it had. */
  readonly message: RawMessage
  /** The decoded body; undefined if it cannot be decoded. Not validated. */
  readonly data: unknown
  readonly failure: Failure
}

const maxListed = 10_000

export function deadLettersOf(store: DeadLetterStore, timeoutMs: number): DeadLetters {
  const bounded = <T>(what: string, work: Promise<T>): Promise<T> =>
    withTimeout(work, timeoutMs, () => new MqError('MQ_TIMEOUT', `${what} dead letters took over ${timeoutMs} ms`))
  return {
    async list({ limit = 100 } = {}) {
      requireInteger(limit, 'limit', { min: 1, max: maxListed })
      const entries = await bounded('Listing', store.list({ limit }))
      return entries.map((entry) => ({ ...entry, data: decodedOrUndefined(entry.message) }))
    },
    async replay(entryIds) {
      const ids = requireIds(entryIds)
      return { replayed: ids?.length === 0 ? 0 : await bounded('Replaying', store.replay(ids)) }
    },
    async purge(entryIds) {
      const ids = requireIds(entryIds)
      return { purged: ids?.length === 0 ? 0 : await bounded('Purging', store.purge(ids)) }
    },
  }
}

/** A misspelt property must not turn "these" into "all". */
function requireIds(entryIds: readonly string[] | undefined): readonly string[] | undefined {
  if (entryIds === undefined) return undefined
  if (!Array.isArray(entryIds) || entryIds.some((id) => typeof id !== 'string')) {
    throw new TypeError(`The entries are named by an array of their entryId, not ${shown(entryIds)}`)
  }
  return entryIds
}

function decodedOrUndefined(message: RawMessage): unknown {
  try {
    return decodeData(message.body, message.contentType)
  } catch {
    return undefined
  }
}

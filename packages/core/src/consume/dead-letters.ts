import { withTimeout } from '../adapter-kit/with-timeout.js'
import type { DeadLetterStore } from '../contract/adapter.js'
import { requireEntryIds } from '../contract/checks/entry-ids.js'
import { requireInteger } from '../contract/checks/values.js'
import { MqError } from '../contract/errors.js'
import type { Decoding } from '../contract/foreign.js'
import type { DeadLetters } from '../contract/operating/dead-letters.js'
import { decodedOrUndefined } from '../wire/codec.js'
import { unwrappedOrSame } from '../wire/structured.js'
import { isTombstone } from '../wire/tombstone.js'

const maxListed = 10_000

/** Wraps the adapter's dead letters for applications: with time limits, checks and decoded data. */
export function deadLettersOf(
  store: DeadLetterStore,
  { timeoutMs, decode }: { readonly timeoutMs: number; readonly decode: Decoding | undefined },
): DeadLetters {
  const bounded = <T>(what: string, work: Promise<T>): Promise<T> =>
    withTimeout(work, timeoutMs, () => new MqError('MQ_TIMEOUT', `${what} dead letters took over ${timeoutMs} ms`))
  return {
    async list({ limit = 100 } = {}) {
      requireInteger(limit, 'limit', { min: 1, max: maxListed })
      const entries = await bounded('Listing', store.list({ limit }))
      return entries.map((entry) => {
        const message = unwrappedOrSame(entry.message)
        return { ...entry, message, data: decodedOrUndefined(message, decode), tombstone: isTombstone(message) }
      })
    },
    async replay(entryIds) {
      const ids = entryIds === undefined ? undefined : requireEntryIds(entryIds)
      return { replayed: ids?.length === 0 ? 0 : await bounded('Replaying', store.replay(ids)) }
    },
    async purge(entryIds) {
      const ids = entryIds === undefined ? undefined : requireEntryIds(entryIds)
      return { purged: ids?.length === 0 ? 0 : await bounded('Purging', store.purge(ids)) }
    },
  }
}

import type { DeadLetterStore, Failure, RawDeadLetter } from '@mq/core/adapter'
import type { Link } from './connection/link.js'
import { persist } from './connection/retry.js'
import { decodeEntry } from './wire/entry.js'
import type { GroupPlace } from './wire/keys.js'
import type { RawEntry } from './wire/reply.js'
import { purgeScript, replayScript } from './wire/scripts/dead.js'

const pageSize = 100
/** A list ends where it has become so large, whatever its limit says: it is held in memory. */
const listBytes = 64 * 1024 * 1024

export function deadLetterStore(
  place: GroupPlace,
  { link, timeoutMs }: { readonly link: Link; readonly timeoutMs: number },
): DeadLetterStore {
  const { dead, due, dueData, seq } = place.keys

  const page = async (after: string, until: string, count: number): Promise<readonly RawEntry[]> =>
    (await link.send('XRANGE', [dead, after, until, 'COUNT', count])) as readonly RawEntry[]

  const replaying = { what: 'Replaying dead letters', link, timeoutMs }
  const purging = { what: 'Purging dead letters', link, timeoutMs }

  async function list(limit: number): Promise<readonly RawDeadLetter[]> {
    const found: RawDeadLetter[] = []
    let bytes = 0
    for (let after = '-'; found.length < limit && bytes < listBytes; ) {
      const count = Math.min(pageSize, limit - found.length)
      const entries = await page(after, '+', count)
      for (const entry of entries) {
        const letter = deadLetterOf(entry, place.topic)
        found.push(letter)
        bytes += letter.message.body.byteLength
        after = `(${letter.entryId}`
      }
      if (entries.length < count) break
    }
    return found
  }

  // Taken out twice, entries would be counted once too few: a lost answer is told. What was counted before stays counted.
  const replaySome = (ids: readonly string[]): Promise<number> =>
    persist({ ...replaying, repeatable: false }, async () =>
      Number(await link.run(replayScript, [dead, due, dueData, seq], ids)),
    )
  const purgeSome = (ids: readonly string[]): Promise<number> =>
    persist({ ...purging, repeatable: false }, async () => Number(await link.run(purgeScript, [dead], ids)))

  /** All that are there now: what dies again meanwhile stays. */
  async function replayAll(): Promise<number> {
    const reading = { ...replaying, repeatable: true }
    const newest = await persist(reading, () => link.send('XREVRANGE', [dead, '+', '-', 'COUNT', 1]))
    const [last] = newest as readonly RawEntry[]
    let replayed = 0
    for (let after = '-'; last !== undefined; ) {
      const from = after
      const entries = await persist(reading, () => page(from, last[0].toString(), pageSize))
      const ids = entries.map(([id]) => id.toString())
      if (ids.length > 0) replayed += await replaySome(ids)
      if (ids.length < pageSize) break
      after = `(${ids.at(-1)}`
    }
    return replayed
  }

  return {
    list: ({ limit }) =>
      persist({ what: 'Listing dead letters', link, timeoutMs, repeatable: true }, () => list(limit)),
    replay: (ids) => (ids === undefined ? replayAll() : inPages(ids, replaySome)),
    purge: (ids) => (ids === undefined ? purgeSome([]) : inPages(ids, purgeSome)),
  }
}

async function inPages(entryIds: readonly string[], use: (ids: readonly string[]) => Promise<number>): Promise<number> {
  // What is no entry's id names none.
  const ids = [...new Set(entryIds)].filter((id) => /^\d{1,19}-\d{1,19}$/.test(id))
  let count = 0
  for (let at = 0; at < ids.length; at += pageSize) count += await use(ids.slice(at, at + pageSize))
  return count
}

function deadLetterOf([rawId, fields]: RawEntry, topic: string): RawDeadLetter {
  const entryId = rawId.toString()
  const { message, failure } = decodeEntry({ id: entryId, fields: fields ?? [] }, topic)
  return { entryId, message, failure: failure ?? unknownFailure(entryId) }
}

/** Somebody else put it there. */
function unknownFailure(entryId: string): Failure {
  const at = Number(entryId.split('-')[0])
  const error = { name: 'Error', message: 'The entry does not say why it is here' }
  return { reason: 'broker', error, attempts: 0, firstFailedAt: at, failedAt: at }
}

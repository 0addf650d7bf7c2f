import { type DeadLetterStore, type RawDeadLetter, unknownFailure } from '@mq/core/adapter'
import type { Link } from './connection/link.js'
import { retryWithin } from './connection/retry.js'
import { decodeEntry, type RawEntry } from './wire/entry.js'
import type { GroupPlace } from './wire/keys.js'
import { idsScript, listScript, purgeScript, replayScript } from './wire/scripts/dead.js'

const pageSize = 100
/** A list ends at this size, even below its limit, because it is held in memory. */
const maxListBytes = 64 * 1024 * 1024

export function deadLetterStore(
  place: GroupPlace,
  { link, timeoutMs }: { readonly link: Link; readonly timeoutMs: number },
): DeadLetterStore {
  const { dead, due, dueData } = place.keys
  const listing = { what: 'Listing dead letters', link, timeoutMs, isRepeatable: true }
  // Entries that are taken out twice would count once too few, so a lost answer is an error. Pages before it stay counted.
  const replaying = { what: 'Replaying dead letters', link, timeoutMs, isRepeatable: false }
  const purging = { what: 'Purging dead letters', link, timeoutMs, isRepeatable: false }

  async function list(limit: number): Promise<readonly RawDeadLetter[]> {
    const found: RawDeadLetter[] = []
    let bytes = 0
    for (let after = '-'; found.length < limit && bytes < maxListBytes; ) {
      const count = Math.min(pageSize, limit - found.length)
      const entries = (await link.run(listScript, [dead], [after, count])) as readonly RawEntry[]
      if (entries.length === 0) break
      for (const entry of entries) {
        const letter = deadLetterOf(entry, place)
        found.push(letter)
        after = `(${letter.entryId}`
        bytes += bytesOf(entry)
      }
    }
    return found
  }

  /** A part is as much as one run of the script moves. */
  const replayPart = async (ids: readonly string[]): Promise<readonly [replayed: number, seen: number]> =>
    retryWithin(replaying, async () => (await link.run(replayScript, [dead, due, dueData], ids)) as [number, number])

  async function replaySome(ids: readonly string[]): Promise<number> {
    let total = 0
    for (let at = 0; at < ids.length; ) {
      const [replayed, seen] = await replayPart(ids.slice(at))
      total += replayed
      at += seen
    }
    return total
  }

  const purgeSome = (ids: readonly string[]): Promise<number> =>
    retryWithin(purging, async () => Number(await link.run(purgeScript, [dead], ids)))

  /** Replays all dead letters that are there now. Those that arrive meanwhile stay. */
  async function replayAll(): Promise<number> {
    const reading = { ...replaying, isRepeatable: true }
    const newest = await retryWithin(reading, () => link.send('XREVRANGE', [dead, '+', '-', 'COUNT', 1]))
    const [last] = newest as readonly RawEntry[]
    let replayed = 0
    for (let after = '-'; last !== undefined; ) {
      const [from, until] = [after, last[0].toString()]
      const found = await retryWithin(reading, () => link.run(idsScript, [dead], [from, until, pageSize]))
      const ids = (found as readonly Buffer[]).map(String)
      if (ids.length === 0) break
      replayed += await replaySome(ids)
      after = `(${ids.at(-1)}`
    }
    return replayed
  }

  return {
    list: ({ limit }) => retryWithin(listing, () => list(limit)),
    replay: (ids) => (ids === undefined ? replayAll() : inPages(ids, replaySome)),
    purge: (ids) => (ids === undefined ? purgeSome([]) : inPages(ids, purgeSome)),
  }
}

const bytesOf = ([, fields]: RawEntry): number => (fields ?? []).reduce((sum, field) => sum + field.length, 0)

/** Redis keeps each half of an entry's id in 64 bits. */
const maxIdHalf = 2n ** 64n - 1n

/** Returns whether Redis takes a text for the id of an entry. One that it refuses would end the whole script. */
function isEntryId(text: string): boolean {
  const [, ms, sequence] = /^(\d{1,20})-(\d{1,20})$/.exec(text) ?? []
  return ms !== undefined && sequence !== undefined && BigInt(ms) <= maxIdHalf && BigInt(sequence) <= maxIdHalf
}

/** Skips texts that are not ids of entries. */
async function inPages(entryIds: readonly string[], use: (ids: readonly string[]) => Promise<number>): Promise<number> {
  const ids = [...new Set(entryIds)].filter(isEntryId)
  let count = 0
  for (let at = 0; at < ids.length; at += pageSize) count += await use(ids.slice(at, at + pageSize))
  return count
}

function deadLetterOf([rawId, fields]: RawEntry, { topic, form }: GroupPlace): RawDeadLetter {
  const entryId = rawId.toString()
  const { message, failure } = decodeEntry({ id: entryId, fields: fields ?? [] }, topic, form)
  return { entryId, message, failure: failure ?? unknownFailure(Number(entryId.split('-')[0])) }
}

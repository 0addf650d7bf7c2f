import {
  type AdapterEvent,
  type DeadLetterStore,
  MqError,
  type Page,
  type RawDeadLetter,
  type RawMessage,
  unknownFailure,
} from '@mq/core/adapter'
import type { Link } from './connection/link.js'
import { retryWithin } from './connection/retry.js'
import { decodeEntry, type RawEntry } from './wire/entry.js'
import { isEntryId } from './wire/entry-id.js'
import type { GroupPlace } from './wire/keys.js'
import { idsScript, listScript, purgeScript, replayScript } from './wire/scripts/dead.js'

const pageSize = 100
/** A list ends when it holds this much, even below its limit. Of an entry that cannot be decoded it holds only the beginning. */
const maxListBytes = 64 * 1024 * 1024
/** A page ends so, too. The next one goes on behind it. */
const maxPageBytes = 16 * 1024 * 1024

interface StoreParts {
  readonly link: Link
  readonly timeoutMs: number
  readonly report: (event: AdapterEvent) => void
}

export function deadLetterStore(place: GroupPlace, { link, timeoutMs, report }: StoreParts): Required<DeadLetterStore> {
  const { topic, group } = place
  const { dead, due, dueData } = place.keys
  const listing = { what: 'Listing dead letters', link, timeoutMs, isRepeatable: true }
  // Entries that are taken out twice would count once too few, so a lost answer is an error. Pages before it stay counted.
  const replaying = { what: 'Replaying dead letters', link, timeoutMs, isRepeatable: false }
  const purging = { what: 'Purging dead letters', link, timeoutMs, isRepeatable: false }

  /** Lists entries behind one, and says whether it has ended early because they are large. */
  async function listAfter(start: string, { limit, maxBytes }: { readonly limit: number; readonly maxBytes: number }) {
    const found: RawDeadLetter[] = []
    let bytes = 0
    for (let after = start; found.length < limit && bytes < maxBytes; ) {
      const count = Math.min(pageSize, limit - found.length)
      const entries = (await link.run(listScript, [dead], [after, count])) as readonly RawEntry[]
      if (entries.length === 0) break
      for (const entry of entries) {
        const letter = deadLetterOf(entry, place)
        found.push(letter)
        after = `(${letter.entryId}`
        bytes += bytesOf(letter.message)
      }
    }
    return { found, isPart: bytes >= maxBytes }
  }

  async function list(limit: number): Promise<readonly RawDeadLetter[]> {
    const { found, isPart } = await listAfter('-', { limit, maxBytes: maxListBytes })
    if (isPart) await reportPart(found.length, limit)
    return found
  }

  async function page(limit: number, start: string): Promise<Page<RawDeadLetter>> {
    // One more than asked for, so that the last page says that it is the last.
    const { found, isPart } = await listAfter(start, { limit: limit + 1, maxBytes: maxPageBytes })
    const items = found.slice(0, limit)
    const last = items.at(-1)
    return { items, ...((isPart || found.length > limit) && last && { next: last.entryId }) }
  }

  /** A list that has fewer entries than it could have says so. */
  async function reportPart(listed: number, limit: number): Promise<void> {
    const wanted = Math.min(limit, Number(await link.send('XLEN', [dead])))
    if (listed >= wanted) return
    const what = `The list of dead letters of '${topic}' in group '${group}' has ${listed} of ${wanted} entries`
    const why = `a list ends at ${maxListBytes / 1024 / 1024} MiB. Replay or purge those to see the next ones`
    report({ type: 'error', error: new MqError('MQ_OPERATION_FAILED', `${what}: ${why}`), topic, group })
  }

  /** A part is as much as one run of the script moves. */
  const replayPart = (ids: readonly string[]): Promise<readonly [replayed: number, seen: number]> =>
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
    async page({ limit, after }) {
      if (after === undefined) return await retryWithin(listing, () => page(limit, '-'))
      if (isEntryId(after)) return await retryWithin(listing, () => page(limit, `(${after}`))
      throw new MqError('MQ_INVALID_OPTION', 'after is not the next of a page of this list')
    },
    replay: (ids) => (ids === undefined ? replayAll() : inPages(ids, replaySome)),
    purge: (ids) => (ids === undefined ? purgeSome([]) : inPages(ids, purgeSome)),
  }
}

function bytesOf({ body, headers, extensions }: RawMessage): number {
  const texts = [...Object.values(headers), ...Object.values(extensions)]
  return texts.reduce((sum, text) => sum + (text?.length ?? 0), body.byteLength)
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

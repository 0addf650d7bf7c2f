import type { DeadLetter, Queue } from '@mq/core'
import type { Hide } from '../hiding/hider.js'
import { deadEntry, type Entry, type Place } from './entries.js'
import { freshMs } from './groups.js'
import type { LetterFilter } from './letter-filter.js'
import type { Reading, Reads } from './reads.js'

/** The page of a list of dead letters, the oldest first. */
export interface LetterPage {
  readonly entries: readonly Entry[]
  readonly page: number
  readonly hasNext: boolean
  /** False if the group has more dead letters than the page looks at, so that others may match. */
  readonly isWhole: boolean
}

export const perPage = 50
/** Core lists as many at most. */
export const maxLooked = 10_000
/** A page further on reads everything before it, so there is a limit. A filter leads to what is behind. */
export const maxPages = 20

/** Creates the reads of dead letters. Each looks at the oldest. */
export function createLetters(queue: Queue, reads: Reads, hide: Hide) {
  const entryOf = (place: Place) => (letter: DeadLetter) => deadEntry(letter, place, hide)

  async function matching(place: Place, { where, matches }: LetterFilter, limit: number) {
    const letters = queue.deadLetters(place.topic, place.group)
    const listed = await letters.list({
      limit: matches === undefined ? limit : maxLooked,
      ...(where !== undefined && { where }),
    })
    const entries = listed.map(entryOf(place)).filter((entry) => matches?.(entry) ?? true)
    return { entries: entries.slice(0, limit), looked: listed.length }
  }

  return {
    list(place: Place, filter: LetterFilter, given: number): Promise<Reading<LetterPage>> {
      const page = Math.min(Math.max(1, given), maxPages)
      const key = `letters ${JSON.stringify([place.topic, place.group, filter.fields, page])}`
      return reads.share(key, freshMs, async () => {
        const { entries, looked } = await matching(place, filter, page * perPage + 1)
        return {
          entries: entries.slice((page - 1) * perPage, page * perPage),
          page,
          hasNext: entries.length > page * perPage,
          isWhole: filter.isEmpty || looked < maxLooked,
        }
      })
    },
    /** Counts those that match, of those that the page looks at. */
    count: (
      place: Place,
      filter: LetterFilter,
    ): Promise<Reading<{ readonly count: number; readonly isWhole: boolean }>> =>
      reads.read(async () => {
        const { entries, looked } = await matching(place, filter, maxLooked)
        return { count: entries.length, isWhole: looked < maxLooked }
      }),
    /** Returns the entries that match, for an operation on each of them. */
    async idsOf(place: Place, filter: LetterFilter, limit: number): Promise<readonly string[]> {
      return (await matching(place, filter, Math.min(limit, maxLooked))).entries.map(({ entryId }) => entryId)
    },
    /** Finds an entry. `page` is where it was listed without a filter. Undefined if it is not among the oldest. */
    find: (place: Place, entryId: string, page: number): Promise<Reading<FoundLetter | undefined>> =>
      reads.read(async () => {
        const letters = queue.deadLetters(place.topic, place.group)
        for (const limit of [Math.min(maxPages, Math.max(1, page)) * perPage, maxLooked]) {
          const listed = await letters.list({ limit })
          const letter = listed.find((one) => one.entryId === entryId)
          if (letter !== undefined) return { letter, entry: deadEntry(letter, place, hide) }
          if (listed.length < limit) return undefined
        }
        return undefined
      }),
    forget: ({ topic, group }: Place): void => reads.forget(`letters ${JSON.stringify([topic, group]).slice(0, -1)}`),
  }
}

export type Letters = ReturnType<typeof createLetters>

export interface FoundLetter {
  /** The letter as it is at the broker. Never show it. */
  readonly letter: DeadLetter
  readonly entry: Entry
}

import type { DeadLetter } from '../contract/operating/dead-letters.js'
import type { Page, PageRequest } from '../contract/operating/inspect.js'

/** Some of the entries that were not there before, the oldest first. */
export interface SomeLetters {
  readonly letters: readonly DeadLetter[]
  /** Whether no more follow. */
  readonly isEnd: boolean
}

/** Goes through the dead letters of a group once. Takes how many there are left, or infinity if nobody knows. */
export type NextLetters = (room: number) => Promise<SomeLetters>

/** Goes through all of them, page by page. */
export function inPages(pageOf: (page: PageRequest) => Promise<Page<DeadLetter>>, limit: number): NextLetters {
  let after: string | undefined
  let isEnd = false
  return async () => {
    if (isEnd) return { letters: [], isEnd }
    const { items, next } = await pageOf({ limit, ...(after !== undefined && { after }) })
    after = next
    isEnd = next === undefined
    return { letters: items, isEnd }
  }
}

/** Goes through the oldest ones, and passes over those that it has seen. Others come into view as those are used. */
export function fromTheOldest(list: (limit: number) => Promise<readonly DeadLetter[]>, maxListed: number): NextLetters {
  const seen = new Set<string>()
  return async (room) => {
    const limit = Math.min(maxListed, room)
    const listed = await list(limit)
    const letters = listed.filter(({ entryId }) => !seen.has(entryId))
    for (const { entryId } of letters) seen.add(entryId)
    // With a number to look at, whoever counts knows the end.
    return { letters, isEnd: room === Number.POSITIVE_INFINITY && listed.length < limit }
  }
}

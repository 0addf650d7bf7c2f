import type { MessageState, Queue } from '@mq/core'
import type { Hide } from '../hiding/hider.js'
import { type Entry, type Place, waitingEntry } from './entries.js'
import { freshMs } from './groups.js'
import { hasText } from './letter-filter.js'
import { perPage } from './letters.js'
import type { Reading, Reads } from './reads.js'

/** The page of a list of messages that a group has not finished. */
export interface WaitingPage {
  readonly entries: readonly Entry[]
  /** The cursor of the next page. */
  readonly next: string | undefined
  /** With a search: how many messages were looked at. */
  readonly looked: number
}

export interface WaitingQuery {
  readonly state: MessageState
  readonly after: string | undefined
  /** A text to look for. Empty for all. */
  readonly text: string
}

const maxSearched = 1_000
const searchedAtOnce = 250

/** Creates the reads of messages that are ready, running, delayed or retrying. */
export function createWaiting(queue: Queue, reads: Reads, hide: Hide) {
  async function page(place: Place, { state, after }: WaitingQuery, limit: number) {
    const waiting = queue.waiting(place.topic, place.group)
    const { items, next } = await waiting.list({ state, limit, ...(after !== undefined && { after }) })
    return { entries: items.map((one) => waitingEntry(one, place, hide)), next }
  }

  /** Looks at the messages from the cursor on, until a page is full. */
  async function search(place: Place, query: WaitingQuery): Promise<WaitingPage> {
    const found: Entry[] = []
    let after = query.after
    let looked = 0
    do {
      const { entries, next } = await page(place, { ...query, after }, searchedAtOnce)
      found.push(...entries.filter((entry) => hasText(entry, query.text)))
      looked += entries.length
      after = next
    } while (after !== undefined && looked < maxSearched && found.length < perPage)
    return { entries: found, next: after, looked }
  }

  return {
    list: (place: Place, query: WaitingQuery): Promise<Reading<WaitingPage>> =>
      reads.share(`waiting ${JSON.stringify([place.topic, place.group, query])}`, freshMs, async () => {
        if (query.text !== '') return search(place, query)
        const { entries, next } = await page(place, query, perPage)
        return { entries, next, looked: entries.length }
      }),
    /** Finds an entry on the page on which it was listed. Undefined if it has gone or has changed its state. */
    find: (place: Place, query: WaitingQuery, entryId: string): Promise<Reading<Entry | undefined>> =>
      reads.read(async () => {
        const { entries } = await page(place, query, searchedAtOnce)
        return entries.find((entry) => entry.entryId === entryId)
      }),
    forget: ({ topic, group }: Place): void => reads.forget(`waiting ${JSON.stringify([topic, group]).slice(0, -1)}`),
  }
}

export type Waiting = ReturnType<typeof createWaiting>

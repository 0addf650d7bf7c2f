import type { GroupInfo, GroupRef, MessageState, Page, TopicInfo } from '../../../src/index.js'
import type { Entry } from './member.js'
import type { Faulty } from './mutation.js'
import { Refused } from './refused.js'
import type { WireWaiting } from './wire.js'

/** An entry of a list. `at` is the time of the agenda by which its state is sorted. */
export interface Listed {
  readonly entry: Pick<Entry, 'message' | 'runs' | 'failure' | 'rank'>
  readonly at: number
}

export interface WirePage {
  readonly limit: number
  readonly after?: string
}

/** Returns a page of names in their order. */
export function pageOfNames(names: readonly string[], { limit, after = '' }: WirePage, faulty: Faulty): Page<string> {
  const later = names.filter((name) => name > after).sort()
  const items = later.slice(0, limit)
  // The next page begins behind the entry that is named.
  const last = faulty('pageSkipsOne') ? later[limit] : items.at(-1)
  return { items, ...(later.length > limit && last !== undefined && { next: last }) }
}

export const topicsOf = ({ items, ...page }: Page<string>): Page<TopicInfo> => ({
  ...page,
  items: items.map((topic) => ({ topic })),
})

export function groupsOf({ items, ...page }: Page<string>, infoOf: (name: string) => GroupInfo): Page<GroupInfo> {
  return { ...page, items: items.map(infoOf) }
}

interface ListOptions extends WirePage {
  readonly state: MessageState
  readonly ref: GroupRef
  readonly serial: number
  /** Added to a time of the agenda to make a time since 1970. */
  readonly shiftMs: number
  readonly faulty: Faulty
}

/** Returns a page of entries, sorted by time and rank. */
export function pageOfEntries(entries: readonly Listed[], options: ListOptions): Page<WireWaiting> {
  const { state, limit, serial, shiftMs, faulty } = options
  const after = options.after === undefined ? undefined : placeFrom(options.after)
  const sorted = [...entries].sort((a, b) => a.at - b.at || a.entry.rank - b.entry.rank)
  if (faulty('waitingNewestFirst')) sorted.reverse()
  const later = sorted.filter(({ at, entry: { rank } }) => {
    return after === undefined || at > after.at || (at === after.at && rank > after.rank)
  })
  const shown = later.slice(0, faulty('waitingIgnoresLimit') ? undefined : limit)
  const last = shown.at(faulty('pageRepeatsLast') && shown.length > 1 ? -2 : -1)
  return {
    items: shown.map(({ entry, at }) => ({
      entryId: `${serial}-${entry.rank}`,
      state,
      message: entry.message,
      attempt: state === 'inFlight' ? entry.runs : entry.runs + (faulty('waitingAttemptPast') ? 0 : 1),
      ...(entry.failure && !faulty('waitingFailureLost') && { failure: entry.failure }),
      ...((state === 'delayed' || state === 'retrying') && {
        dueAt: Math.round(faulty('dueAtNow') ? performance.now() + shiftMs : at + shiftMs),
      }),
      ...(state === 'inFlight' && { startedAt: Math.round(at + shiftMs) }),
    })),
    ...(later.length > shown.length && last !== undefined && { next: `${last.at}/${last.entry.rank}` }),
  }
}

function placeFrom(after: string): { readonly at: number; readonly rank: number } {
  const [, at, rank] = /^(\d+(?:\.\d+)?)\/(\d+)$/.exec(after) ?? []
  if (at === undefined || rank === undefined) throw new Refused('no-page')
  return { at: Number(at), rank: Number(rank) }
}

/** Returns the ranks of the entries that belong to the group. */
export function ranksOf(serial: number, entryIds: readonly string[], faulty: Faulty): ReadonlySet<number> {
  const own = entryIds.filter((id) => id.startsWith(`${serial}-`) || faulty('waitingIdsOfOthers'))
  return new Set(own.map((id) => Number(id.slice(id.indexOf('-') + 1))))
}

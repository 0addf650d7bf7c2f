import { pause } from '../adapter-kit/pause.js'
import type { Clock } from '../contract/clock.js'
import type { ReplayRate } from '../contract/operating/dead-letters.js'
import type { Matches } from './dead-letter-filter.js'
import type { NextLetters } from './dead-letter-source.js'

export interface PortionsOptions {
  readonly next: NextLetters
  /** Counts the entries. Undefined if the broker cannot. */
  readonly count: () => Promise<number | undefined>
  /** Replays or purges entries, and returns how many. */
  readonly use: (entryIds: readonly string[]) => Promise<number>
  readonly matches: Matches | undefined
  readonly limit: number
  readonly rate: ReplayRate | undefined
  readonly signal: AbortSignal | undefined
  readonly onPortion: (used: number) => void
  readonly clock: Clock
}

const maxPortion = 500
/** A rate is kept in portions of about this time. */
const portionMs = 250

/**
 * Takes the entries that are there now, the oldest first, and uses those that match in portions. It keeps ids only. Entries that do not
 * match stay in front, so they are looked at once and then passed over.
 */
export async function inPortions(
  options: PortionsOptions,
): Promise<{ readonly used: number; readonly complete: boolean }> {
  const { next, count, matches, limit, signal } = options
  const total = (await count()) ?? Number.POSITIVE_INFINITY
  let looked = 0
  const portions = createPortions(options)
  for (;;) {
    const { letters, isEnd } = await next(Math.max(1, total - portions.used))
    // Entries that have died since then are not looked at.
    const fresh = letters.slice(0, total - looked)
    looked += fresh.length
    const chosen = fresh.filter((letter) => matches?.(letter) ?? true).slice(0, limit - portions.used)
    await portions.use(chosen.map(({ entryId }) => entryId))
    const isWhole = isEnd || looked >= total
    if (signal?.aborted === true) return { used: portions.used, complete: false }
    if (isWhole && portions.used < limit) return { used: portions.used, complete: true }
    if (fresh.length === 0 || portions.used >= limit)
      return { used: portions.used, complete: isWhole && fresh.length === 0 }
  }
}

function createPortions({ use, rate, signal, onPortion, clock }: PortionsOptions) {
  const pace = paceOf(rate)
  let used = 0
  let startedAt: number | undefined

  return {
    get used(): number {
      return used
    },
    async use(entryIds: readonly string[]): Promise<void> {
      for (let at = 0; at < entryIds.length; at += pace.portion) {
        if (startedAt !== undefined) await pause(startedAt + pace.intervalMs - clock.monotonic(), clock, signal)
        if (signal?.aborted === true) return
        startedAt = clock.monotonic()
        used += await use(entryIds.slice(at, at + pace.portion))
        onPortion(used)
      }
    },
  }
}

/** Rounds so that no window of `perMs` has more than `messages`. */
function paceOf(rate: ReplayRate | undefined): { readonly portion: number; readonly intervalMs: number } {
  if (rate === undefined) return { portion: maxPortion, intervalMs: 0 }
  const { messages, perMs } = rate
  const portion = Math.min(maxPortion, Math.max(1, Math.floor((messages * portionMs) / perMs)), messages)
  return { portion, intervalMs: perMs / Math.floor(messages / portion) }
}

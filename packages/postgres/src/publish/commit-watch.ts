import { setTimeout as sleep } from 'node:timers/promises'
import type { Link } from '../connection/link.js'

/** A transaction that has written messages. */
export interface Written {
  /** The number of the transaction. */
  readonly transaction: string
}

/** How often it is looked whether transactions have ended, at first and at last. */
const minPauseMs = 5
const maxPauseMs = 100
/** After this time a message has waited for so long that the next look of its consumers is soon enough. */
const maxWatchMs = 5_000
const maxWatched = 1_000

/**
 * Learns when transactions of the application commit, so that what they have published can be announced. They do not announce it
 * themselves, because a transaction that notifies holds a lock of the whole server while it commits.
 */
export function createCommitWatch<W extends Written>(link: Link, onCommitted: (written: W) => void) {
  type Watched = W & { readonly until: number }
  let watched: readonly Watched[] = []
  let isLooking = false
  let pauseMs = minPauseMs

  /** Returns those whose transactions are not over. */
  async function stillOpen(some: readonly Watched[]): Promise<readonly Watched[]> {
    const numbers = [...new Set(some.map(({ transaction }) => transaction))]
    const text = 'SELECT n AS number, pg_xact_status(n::xid8) AS status FROM unnest($1::text[]) AS n'
    const rows = await link.query(text, [numbers])
    const statuses = new Map(rows.map(({ number, status }) => [String(number), status]))
    for (const one of some) if (statuses.get(one.transaction) === 'committed') onCommitted(one)
    return some.filter(({ transaction }) => statuses.get(transaction) === 'in progress')
  }

  async function look(): Promise<void> {
    isLooking = true
    while (watched.length > 0 && !link.isClosed) {
      await sleep(pauseMs, undefined, { ref: false })
      pauseMs = Math.min(maxPauseMs, 2 * pauseMs)
      const some = watched.filter(({ until }) => until > performance.now())
      watched = []
      // If nobody answers, all are asked for again.
      const open = await stillOpen(some).catch(() => some)
      watched = [...open, ...watched]
    }
    isLooking = false
  }

  return (written: W): void => {
    if (watched.length >= maxWatched) return
    watched = [...watched, { ...written, until: performance.now() + maxWatchMs }]
    pauseMs = minPauseMs
    if (!isLooking) void look()
  }
}

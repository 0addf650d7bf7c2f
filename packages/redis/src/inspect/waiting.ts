import type { MessageState, RawWaiting, WaitingStore } from '@mq/core/adapter'
import type { Link } from '../connection/link.js'
import { type RetryOptions, retryWithin } from '../connection/retry.js'
import type { GroupPlace } from '../wire/keys.js'
import { removeScript, runNowScript } from '../wire/scripts/change.js'
import { type Cursor, partsOf, readCursor, writeCursor } from './cursor.js'
import { entryNames } from './entry-names.js'
import { listParts } from './parts.js'

/** How many entries one script lists or changes. */
const perScript = 100
/** A page ends when it holds this much, even below its limit. */
const maxPageBytes = 16 * 1024 * 1024

export interface WaitingParts {
  readonly place: GroupPlace
  readonly link: () => Link
  readonly timeoutMs: number
}

/** Lists and changes the messages that a group has not finished. Each script is short, however many there are. */
export function waitingStore({ place, link, timeoutMs }: WaitingParts): WaitingStore {
  const names = entryNames(place.consumerGroup)
  const { keys, consumerGroup } = place

  async function pageOf(state: MessageState, { limit, from }: { limit: number; from: Cursor | undefined }, over: Link) {
    const lists = listParts(place, over)
    const parts = partsOf[state]
    const found: { readonly cursor: Cursor; readonly item: RawWaiting }[] = []
    let bytes = 0
    // One more than asked for, so that the last page says that it is the last.
    for (const part of from === undefined ? parts : parts.slice((parts as readonly string[]).indexOf(from.part))) {
      let at = from?.part === part ? from : undefined
      for (;;) {
        const count = Math.min(perScript, limit + 1 - found.length)
        const { rows, next } = await lists[part](at, count)
        for (const { cursor, name, bytes: size, ...item } of rows) {
          found.push({ cursor, item: { ...item, entryId: names.nameOf(name), state } })
          bytes += size
        }
        if (found.length > limit || bytes >= maxPageBytes) return { found, isMore: true }
        if (next === undefined) break
        at = next
      }
    }
    return { found, isMore: false }
  }

  async function change(
    options: Omit<RetryOptions, 'link' | 'timeoutMs' | 'isRepeatable'>,
    entryIds: readonly string[],
    run: (args: readonly (string | Buffer)[], over: Link) => Promise<unknown>,
  ): Promise<number> {
    const over = link()
    const named = names.parse(entryIds)
    let count = 0
    for (let at = 0; at < named.length; at += perScript) {
      const some = named.slice(at, at + perScript)
      const args = some.flatMap(({ kind, name }) => [kind, Buffer.from(name, 'latin1')])
      // A change that is done twice would count once too few, so a lost answer is an error.
      const work = () => run([consumerGroup, ...args], over)
      count += Number(await retryWithin({ ...options, link: over, timeoutMs, isRepeatable: false }, work))
    }
    return count
  }

  return {
    async list({ state, limit, after }) {
      const over = link()
      const from = after === undefined ? undefined : readCursor(after, state)
      const options = { what: 'Listing messages', link: over, timeoutMs, isRepeatable: true }
      const { found, isMore } = await retryWithin(options, () => pageOf(state, { limit, from }, over))
      const shown = found.slice(0, limit)
      const last = shown.at(-1)
      return { items: shown.map(({ item }) => item), ...(isMore && last && { next: writeCursor(last.cursor) }) }
    },
    async remove(entryIds) {
      const { stream, retry, due, dueData, delayed, waiting, gate, skipped } = keys
      const scriptKeys = [stream, retry, due, dueData, delayed, waiting, gate, skipped]
      return await change({ what: 'Removing messages' }, entryIds, (args, over) =>
        over.run(removeScript, scriptKeys, args),
      )
    },
    async runNow(entryIds) {
      const { stream, due, dueData, delayed, delayedData, skipped } = keys
      const scriptKeys = [stream, due, dueData, delayed, delayedData, skipped]
      return await change({ what: 'Making messages ready' }, entryIds, (args, over) =>
        over.run(runNowScript, scriptKeys, args),
      )
    },
  }
}

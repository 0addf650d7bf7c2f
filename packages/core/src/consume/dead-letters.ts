import { createHash } from 'node:crypto'
import { withTimeout } from '../adapter-kit/with-timeout.js'
import type { Adapter, GroupRef, RawDeadLetter, TargetRef } from '../contract/adapter.js'
import { requireEntryIds } from '../contract/checks/entry-ids.js'
import { keysOf, refuseUnknown, requireOptions } from '../contract/checks/options.js'
import { requirePage } from '../contract/checks/page.js'
import { shown } from '../contract/checks/shown.js'
import { requireDuration, requireFunction, requireInteger } from '../contract/checks/values.js'
import type { Clock } from '../contract/clock.js'
import { MqError } from '../contract/errors.js'
import type { Decoding } from '../contract/foreign.js'
import type {
  DeadLetter,
  DeadLetterChange,
  DeadLetterCondition,
  DeadLetterListOptions,
  DeadLetters,
  PurgeOptions,
  PurgeResult,
  ReplayOptions,
  ReplayRate,
  ReplayResult,
} from '../contract/operating/dead-letters.js'
import type { Page, PageOptions, PageRequest } from '../contract/operating/inspect.js'
import type { PublishOptions, PublishResult } from '../contract/publish-options.js'
import { onlyForGroup } from '../wire/cloud-events.js'
import { decodedOrUndefined, encodeData } from '../wire/codec.js'
import { unwrappedOrSame } from '../wire/structured.js'
import { isTombstone } from '../wire/tombstone.js'
import { filterOf, type Matches } from './dead-letter-filter.js'
import { inPortions } from './dead-letter-portions.js'
import { fromTheOldest, inPages, type NextLetters } from './dead-letter-source.js'

const maxListed = 10_000
/** How many entries one page has at most. */
const pageLimit = 500

export interface DeadLettersOptions {
  readonly ref: TargetRef
  readonly timeoutMs: number
  readonly decode: Decoding | undefined
  readonly clock: Clock
  /** Publishes a changed copy to the topic. Throws `MQ_NOT_SUPPORTED` if other programs own it. */
  readonly publish: (data: unknown, options: PublishOptions) => Promise<PublishResult>
}

/** Wraps the adapter's dead letters for applications: with time limits, checks, filters and decoded data. */
export function deadLettersOf(adapter: Adapter, options: DeadLettersOptions): DeadLetters {
  const { ref, timeoutMs, decode, clock, publish } = options
  const store = adapter.deadLetters(ref)
  const bounded = <T>(what: string, work: Promise<T>): Promise<T> =>
    withTimeout(work, timeoutMs, () => new MqError('MQ_TIMEOUT', `${what} dead letters took over ${timeoutMs} ms`))

  function shownLetter(entry: RawDeadLetter): DeadLetter {
    const message = unwrappedOrSame(entry.message)
    return { ...entry, message, data: decodedOrUndefined(message, decode), tombstone: isTombstone(message) }
  }

  const listed = async (limit: number): Promise<readonly DeadLetter[]> =>
    (await bounded('Listing', store.list({ limit }))).map(shownLetter)

  async function pageOf(page: PageRequest): Promise<Page<DeadLetter>> {
    if (store.page === undefined) {
      const text = `${adapter.name} cannot list dead letters in pages`
      const advice = `list shows the oldest, ${maxListed} at most; replay or purge those to see the rest`
      throw new MqError('MQ_NOT_SUPPORTED', `${text}; ${advice}`)
    }
    const { items, ...rest } = await bounded('Listing', store.page(page))
    return { ...rest, items: items.map(shownLetter) }
  }

  const source = (): NextLetters =>
    store.page === undefined ? fromTheOldest(listed, maxListed) : inPages(pageOf, pageLimit)

  /** Finds the first entries that match, among all at which it can look. */
  async function find(matches: Matches, limit: number): Promise<readonly DeadLetter[]> {
    const found: DeadLetter[] = []
    const next = source()
    for (let isEnd = false; !isEnd && found.length < limit; ) {
      const some = await next(Number.POSITIVE_INFINITY)
      found.push(...some.letters.filter(matches))
      // Without pages there is nothing behind the oldest ones.
      isEnd = some.isEnd || store.page === undefined
    }
    return found.slice(0, limit)
  }

  const replayIds = (ids?: readonly string[]): Promise<number> => bounded('Replaying', store.replay(ids))
  const purgeIds = (ids?: readonly string[]): Promise<number> => bounded('Purging', store.purge(ids))

  function replay(entryIds?: readonly string[]): Promise<{ readonly replayed: number }>
  function replay(options: ReplayOptions): Promise<ReplayResult>
  async function replay(given?: readonly string[] | ReplayOptions) {
    if (!isOptions(given)) {
      const ids = given === undefined ? undefined : requireEntryIds(given)
      return { replayed: ids?.length === 0 ? 0 : await replayIds(ids) }
    }
    const { where, limit, rate, signal, onProgress } = given
    refuseUnknown(given, replayNames, 'replay')
    requireRate(rate)
    if (onProgress !== undefined) requireFunction(onProgress, 'onProgress')
    const { used: replayed, complete } = await inPortions({
      ...common({ where, limit, signal }),
      use: replayIds,
      rate,
      onPortion: (done) => onProgress?.({ replayed: done }),
    })
    return { replayed, complete }
  }

  function purge(entryIds?: readonly string[]): Promise<{ readonly purged: number }>
  function purge(options: PurgeOptions): Promise<PurgeResult>
  async function purge(given?: readonly string[] | PurgeOptions) {
    if (!isOptions(given)) {
      const ids = given === undefined ? undefined : requireEntryIds(given)
      return { purged: ids?.length === 0 ? 0 : await purgeIds(ids) }
    }
    const { where, limit, signal, onProgress } = given
    refuseUnknown(given, purgeNames, 'purge')
    if (typeof where !== 'function') requireOptions(where, 'where')
    if (onProgress !== undefined) requireFunction(onProgress, 'onProgress')
    const { used: purged, complete } = await inPortions({
      ...common({ where, limit, signal }),
      use: purgeIds,
      rate: undefined,
      onPortion: (done) => onProgress?.({ purged: done }),
    })
    return { purged, complete }
  }

  function common({ where, limit, signal }: Pick<ReplayOptions, 'where' | 'limit' | 'signal'>) {
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new TypeError(`signal must be an AbortSignal, not ${shown(signal)}`)
    }
    return {
      next: source(),
      count: async () => (await bounded('Counting', adapter.stats(ref))).dead,
      matches: where === undefined ? undefined : filterOf(where, clock),
      limit: requireInteger(limit ?? Number.MAX_SAFE_INTEGER, 'limit', { min: 1, max: Number.MAX_SAFE_INTEGER }),
      signal,
      clock,
    }
  }

  return {
    async list(given: DeadLetterListOptions = {}) {
      requireOptions(given, 'The options of list')
      refuseUnknown(given, listNames, 'list')
      const { limit = 100, where } = given
      requireInteger(limit, 'limit', { min: 1, max: maxListed })
      if (where === undefined) return await listed(limit)
      return await find(filterOf(where, clock), limit)
    },
    page: async (given: PageOptions = {}) => await pageOf(requirePage(given, pageNames, 'page')),
    replay,
    purge,
    async edit(entryId, change) {
      requireEntryIds([entryId])
      requireOptions(change, 'The change')
      refuseUnknown(change, changeNames, 'edit')
      const [letter] = await find((one) => one.entryId === entryId, 1)
      if (letter === undefined) return { edited: 0 }
      const { message } = letter
      if (letter.tombstone) {
        throw new MqError('MQ_INVALID_DATA', `The entry '${entryId}' is a tombstone, which has no data to change`)
      }
      const id = idOfCopy(ref, entryId, change)
      const { data, headers = message.headers, key = message.key } = change
      const copy = { id, headers: { ...headers }, extensions: onlyForGroup(message, ref.group) }
      await publish(data, { ...copy, ...(key !== undefined && { key }), timeoutMs })
      await purgeIds([entryId])
      return { edited: 1, id }
    },
  }
}

const pageNames = keysOf<PageOptions>()({ limit: true, after: true })
const listNames = keysOf<DeadLetterListOptions>()({ limit: true, where: true })
const replayNames = keysOf<ReplayOptions>()({ where: true, limit: true, rate: true, signal: true, onProgress: true })
const purgeNames = keysOf<PurgeOptions>()({ where: true, limit: true, signal: true, onProgress: true })
const changeNames = keysOf<DeadLetterChange>()({ data: true, headers: true, key: true })
const rateNames = keysOf<ReplayRate>()({ messages: true, perMs: true })

/** Anything else, such as a single id or a whole entry, is checked as a list of ids. */
const isOptions = <Options extends { readonly where?: DeadLetterCondition | undefined }>(
  given: readonly string[] | Options | undefined,
): given is Options => typeof given === 'object' && given !== null && !Array.isArray(given) && !('entryId' in given)

function requireRate(rate: ReplayRate | undefined): void {
  if (rate === undefined) return
  requireOptions(rate, 'rate')
  refuseUnknown(rate, rateNames, 'rate')
  requireInteger(rate.messages, 'rate.messages', { min: 1, max: 1_000_000 })
  requireDuration(rate.perMs, 'rate.perMs', 1)
}

/** The same change of the same entry has the same id, so that a call that is repeated sends no second message. */
function idOfCopy({ topic, group }: GroupRef, entryId: string, { data, headers, key }: DeadLetterChange): string {
  const hash = createHash('sha256').update(JSON.stringify([topic, group, entryId, headers, key]))
  return hash.update(encodeData(data).body).digest('hex').slice(0, 32)
}

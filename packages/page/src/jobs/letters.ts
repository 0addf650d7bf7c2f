import { setTimeout } from 'node:timers/promises'
import type { Queue, ReplayOptions } from '@mq/core'
import type { Place } from '../broker/entries.js'
import type { LetterFilter } from '../broker/letter-filter.js'
import { type Letters, maxLooked } from '../broker/letters.js'
import type { JobResult, JobWork } from './jobs.js'

/** The dead letters that an operation is about: single ones, or those that match. */
export type Chosen = { readonly entryIds: readonly string[] } | { readonly filter: LetterFilter }

export interface LettersWork {
  readonly queue: Queue
  readonly letters: Letters
  readonly place: Place
  readonly what: 'replay' | 'purge'
  readonly chosen: Chosen
  /** How many to take at most. Default: all. */
  readonly limit: number | undefined
  /** How many to replay a second. Default: as fast as the broker takes them. */
  readonly perSecond: number | undefined
}

const portion = 100
/** A rate is kept in portions of about this time. */
const portionMs = 250

/** Returns the work of replaying or purging dead letters. */
export function lettersWork(options: LettersWork): JobWork['run'] {
  const { chosen } = options
  if ('entryIds' in chosen) return (run) => byIds(options, chosen.entryIds, run)
  const { filter } = chosen
  if (filter.matches === undefined) return (run) => byWhere(options, filter, run)
  return async (run) => {
    const { letters, place, limit } = options
    const ids = await letters.idsOf(place, filter, limit ?? maxLooked)
    const { done, isComplete } = await byIds(options, ids, run)
    return { done, isComplete: isComplete && ids.length < (limit ?? maxLooked) }
  }
}

type Run = Parameters<JobWork['run']>[0]

/** Core does this by itself, also for more dead letters than the page looks at. */
async function byWhere(
  { queue, place, what, limit, perSecond }: LettersWork,
  filter: LetterFilter,
  { signal, onDone }: Run,
): Promise<JobResult> {
  const letters = queue.deadLetters(place.topic, place.group)
  const common = { signal, ...(limit !== undefined && { limit }) }
  if (what === 'purge') {
    // Every dead letter has an age, so this means all of them, and can be broken off.
    const { purged, complete } = await letters.purge({ ...common, where: filter.where ?? { minAgeMs: 0 } })
    return { done: purged, isComplete: complete }
  }
  const replay: ReplayOptions = {
    ...common,
    onProgress: ({ replayed }) => onDone(replayed),
    ...(filter.where !== undefined && { where: filter.where }),
    ...(perSecond !== undefined && { rate: { messages: perSecond, perMs: 1_000 } }),
  }
  const { replayed, complete } = await letters.replay(replay)
  return { done: replayed, isComplete: complete }
}

async function byIds(
  { queue, place, what, limit, perSecond }: LettersWork,
  ids: readonly string[],
  { signal, onDone }: Run,
): Promise<JobResult> {
  const letters = queue.deadLetters(place.topic, place.group)
  const all = ids.slice(0, limit)
  const size =
    perSecond === undefined ? portion : Math.max(1, Math.min(portion, Math.floor((perSecond * portionMs) / 1_000)))
  const pauseMs = perSecond === undefined ? 0 : (size * 1_000) / perSecond
  let done = 0
  for (let at = 0; at < all.length && !signal.aborted; at += size) {
    if (at > 0 && pauseMs > 0) await setTimeout(pauseMs, undefined, { signal }).catch(() => {})
    if (signal.aborted) break
    const part = all.slice(at, at + size)
    if (what === 'purge') done += (await letters.purge(part)).purged
    else done += (await letters.replay(part)).replayed
    onDone(done)
  }
  return { done, isComplete: !signal.aborted }
}

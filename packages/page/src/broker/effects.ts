import type { Queue, RawMessage } from '@mq/core'
import { scheduleOfTopic } from '@mq/core/adapter'
import type { Hide } from '../hiding/hider.js'
import { deadEntry, type Entry, type Place, waitingEntry } from './entries.js'
import { type ListName, listNames } from './lists.js'
import { eachOf, type Reading, type Reads } from './reads.js'

/** A message that names another as its cause. */
export interface Effect extends Place {
  readonly list: ListName
  readonly entry: Entry
}

/** The effects of a message that are still at the broker, as far as it was looked at. */
export interface Effects {
  readonly found: readonly Effect[]
  /** The number of groups whose messages were looked at. */
  readonly groups: number
  /** The states that the broker lists. */
  readonly lists: readonly ListName[]
  /** False if there are more groups or messages than were looked at. */
  readonly isWhole: boolean
}

const maxGroups = 20
const perList = 250
const atOnce = 4

interface Parts {
  readonly queue: Queue
  readonly reads: Reads
  readonly hide: Hide
  /** The names of the topics to look at, those that are looked at first at the beginning. */
  readonly topics: readonly string[]
}

/**
 * Looks for what the handler of a message has published: messages with its id as their `causationid`, among the first of each list. What
 * was handled meanwhile has left the broker, so an effect that is not found may have been there.
 */
export const readEffects = ({ queue, reads, hide, topics }: Parts, id: string): Promise<Reading<Effects>> =>
  reads.read(async () => {
    const { listsWaiting, listsInFlight } = queue.capabilities
    const lists = listNames.filter((list) => list === 'dead' || (list === 'inFlight' ? listsInFlight : listsWaiting))
    const { places, areAll } = await placesOf(queue, topics)
    const parts = places.flatMap((place) => lists.map((list) => ({ place, list })))
    const looked = await eachOf(parts, atOnce, async ({ place, list }) => lookIn(queue, { place, list, id, hide }))
    return {
      found: looked.flatMap(({ effects }) => effects),
      groups: places.length,
      lists,
      isWhole: areAll && looked.every(({ isWhole }) => isWhole),
    }
  })

/** Lists the groups of topics, up to a limit. */
async function placesOf(queue: Queue, topics: readonly string[]) {
  const places: Place[] = []
  if (!queue.capabilities.listsGroups) return { places, areAll: false }
  for (const [at, topic] of topics.entries()) {
    const { items, next } = await queue.groups(topic, { limit: maxGroups })
    const lasting = items.filter(({ ephemeral }) => !ephemeral)
    places.push(...lasting.slice(0, maxGroups - places.length).map(({ group }) => ({ topic, group })))
    const isLast = at === topics.length - 1 && next === undefined
    if (places.length === maxGroups && !isLast) return { places, areAll: false }
  }
  return { places, areAll: true }
}

interface Wanted {
  readonly place: Place
  readonly list: ListName
  readonly id: string
  readonly hide: Hide
}

interface Looked {
  readonly effects: readonly Effect[]
  readonly isWhole: boolean
}

async function lookIn(queue: Queue, { place, list, id, hide }: Wanted): Promise<Looked> {
  const { topic, group } = place
  const isCaused = ({ message }: { readonly message: Pick<RawMessage, 'extensions'> }): boolean =>
    message.extensions.causationid === id
  if (list === 'dead') {
    const letters = await queue.deadLetters(topic, group).list({ limit: perList })
    const caused = letters.filter(isCaused).map((letter) => deadEntry(letter, place, hide))
    return { effects: caused.map((entry) => ({ ...place, list, entry })), isWhole: letters.length < perList }
  }
  const { items, next } = await queue.waiting(topic, group).list({ state: list, limit: perList })
  const caused = items.filter(isCaused).map((one) => waitingEntry(one, place, hide))
  return { effects: caused.map((entry) => ({ ...place, list, entry })), isWhole: next === undefined }
}

/** Puts those topics first in which effects of a task are likely: its own, then those of other tasks. */
export const likelyFirst = (topics: readonly string[], own: string | undefined): readonly string[] =>
  [...topics].sort((one, other) => rank(one, own) - rank(other, own))

const rank = (topic: string, own: string | undefined): number =>
  topic === own ? 0 : topic.startsWith('task.') ? 1 : scheduleOfTopic(topic) !== undefined ? 3 : 2

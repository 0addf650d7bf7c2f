import {
  type Adapter,
  type AdapterState,
  type ConsumerHealth,
  type GroupInfo,
  type MessageState,
  MqError,
  type Page,
  type PageRequest,
  type QueueStats,
  type RawWaiting,
  type WaitingStore,
} from '@mq/core/adapter'
import type { Broker } from './broker.js'
import { type Group, ownCopy, type WaitingEntry } from './group.js'

type Inspection = Required<Pick<Adapter, 'topics' | 'groups' | 'waiting' | 'pauseGroup' | 'resumeGroup'>>

/** Creates the members of the adapter that look into the broker, and those that pause groups. */
export function inspectionOf(broker: Broker, state: AdapterState): Inspection {
  return {
    async topics(page) {
      state.requireOpen()
      return pageByName(broker.topicNames, page, (topic) => ({ topic }))
    },
    async groups({ topic }, page) {
      state.requireOpen()
      const groups = new Map(broker.groupsOf(topic).map((group) => [group.ref.group, infoOf(group)]))
      return pageByName([...groups.keys()], page, (name) => groups.get(name) as GroupInfo)
    },
    waiting: (ref): WaitingStore => ({
      async list({ state: wanted, ...page }) {
        state.requireOpen()
        const group = broker.find(ref)
        return group === undefined ? { items: [] } : pageOf(group, broker, { ...page, state: wanted })
      },
      async remove(entryIds) {
        state.requireOpen()
        const group = broker.find(ref)
        return group?.remove(numbersOf(group, entryIds)) ?? 0
      },
      async runNow(entryIds) {
        state.requireOpen()
        const group = broker.find(ref)
        return group?.runNow(numbersOf(group, entryIds)) ?? 0
      },
    }),
    async pauseGroup(ref, mark) {
      state.requireOpen()
      const group = broker.find(ref)
      if (group === undefined) {
        throw new MqError('MQ_GROUP_MISSING', `The topic '${ref.topic}' has no group '${ref.group}'`)
      }
      group.pause(mark)
    },
    async resumeGroup(ref) {
      state.requireOpen()
      broker.find(ref)?.resume()
    },
  }
}

export function statsOf(group: Group, broker: Broker): QueueStats {
  const { clock, timetable } = broker
  const { ready, inFlight, delayed: retrying, dead, skipped, oldestReadySince, oldestDeadAt, paused } = group
  return {
    ready,
    inFlight,
    delayed: broker.delayedIn(group.ref.topic).size - skipped,
    retrying,
    dead,
    oldestReadyMs: oldestReadySince === undefined ? 0 : ageOf(timetable.now() - oldestReadySince),
    oldestDeadMs: oldestDeadAt === undefined ? 0 : ageOf(clock.now() - oldestDeadAt),
    paused,
  }
}

const ageOf = (ms: number): number => Math.max(0, Math.round(ms))

export const consumingOrPaused = ({ paused }: Group): Pick<ConsumerHealth, 'status' | 'paused'> =>
  paused === undefined ? { status: 'consuming' } : { status: 'paused', paused }

function infoOf({ ref, ephemeral, consumers, paused }: Group): GroupInfo {
  return { ...ref, ephemeral, consumers, ...(paused && { paused }) }
}

function pageByName<Item>(
  names: readonly string[],
  { limit, after = '' }: PageRequest,
  itemOf: (name: string) => Item,
): Page<Item> {
  const later = names.filter((name) => name > after).sort()
  const shown = later.slice(0, limit)
  const last = shown.at(-1)
  return { items: shown.map(itemOf), ...(later.length > limit && last !== undefined && { next: last }) }
}

/** Returns the entries that come first, in a pass over all of them that holds no more than a page. */
function pageOf(
  group: Group,
  broker: Broker,
  options: PageRequest & { readonly state: MessageState },
): Page<RawWaiting> {
  const { state, limit } = options
  const after = options.after === undefined ? undefined : cursorFrom(options.after)
  const first: WaitingEntry[] = []
  let isMore = false
  for (const one of group.entries(state)) {
    if (after !== undefined && !isBefore(after, placeOf(one))) continue
    if (first.length === limit) {
      isMore = true
      if (!isBefore(placeOf(one), placeOf(first[limit - 1] as WaitingEntry))) continue
      first.pop()
    }
    const at = first.findLastIndex((other) => isBefore(placeOf(other), placeOf(one)))
    first.splice(at + 1, 0, one)
  }
  const last = first.at(-1)
  const shiftMs = broker.clock.now() - broker.timetable.now()
  return {
    items: first.map((one) => shownEntry(group, state, one, shiftMs)),
    ...(isMore && last !== undefined && { next: `${last.at}/${last.entry.number}` }),
  }
}

function shownEntry(group: Group, state: MessageState, { entry, at }: WaitingEntry, shiftMs: number): RawWaiting {
  const { message, attempt, failure, number } = entry
  return {
    entryId: `${group.number}-${number}`,
    state,
    message: ownCopy(message),
    attempt,
    ...(failure && { failure }),
    ...((state === 'delayed' || state === 'retrying') && { dueAt: Math.round(at + shiftMs) }),
    ...(state === 'inFlight' && { startedAt: Math.round(at + shiftMs) }),
  }
}

/** The place of an entry in the order of its list. */
interface Place {
  readonly at: number
  readonly number: number
}

const placeOf = ({ at, entry: { number } }: WaitingEntry): Place => ({ at, number })

const isBefore = (one: Place, other: Place): boolean =>
  one.at < other.at || (one.at === other.at && one.number < other.number)

function cursorFrom(after: string): Place {
  const [, at, number] = /^(\d+(?:\.\d+)?)\/(\d+)$/.exec(after) ?? []
  if (at === undefined || number === undefined) {
    throw new MqError('MQ_INVALID_OPTION', 'after is not the next of a page of this list')
  }
  return { at: Number(at), number: Number(number) }
}

/** Returns the numbers of the entries that belong to this group. */
function numbersOf(group: Group, entryIds: readonly string[]): ReadonlySet<number> {
  const own = `${group.number}-`
  return new Set(entryIds.filter((id) => id.startsWith(own)).map((id) => Number(id.slice(own.length))))
}

/** Reads the cursor of a page of dead letters. */
export function deadNumberOf(after: string): number {
  if (/^\d{1,15}$/.test(after)) return Number(after)
  throw new MqError('MQ_INVALID_OPTION', 'after is not the next of a page of this list')
}

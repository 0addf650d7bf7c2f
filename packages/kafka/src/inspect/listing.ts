import type { GroupInfo, GroupRef, Page, PageRequest, TopicInfo, TopicRef } from '@mq/core/adapter'
import { type Cluster, nameOf } from '../driver/cluster.js'
import { groupIdsOf, membersOf } from '../driver/describe-groups.js'
import { LogScan, type ScanPart } from '../driver/log-scan.js'
import { partitionOffsets } from '../driver/offsets.js'
import { type GroupNote, markOf, noteOf, notesLog } from '../topology/group-notes.js'
import { decodeRoster } from '../wire/roster.js'
import type { InspectContext } from './open-parts.js'

/** The limits of reading the notes of all groups of a page. */
const notesLimits = { maxPartitionBytes: 64 * 1024, maxBytes: 64 * 1024 * 1024, maxRecords: 1_000_000 }

/**
 * Lists the topics that have a group or a delayed message, by the topics that only this adapter makes. With a prefix, all topics whose
 * names begin with it. Without one, another program may have made a topic that has nothing else.
 */
export async function listTopics(page: PageRequest, context: ListingContext): Promise<Page<TopicInfo>> {
  const found = await context.cluster.topicNames()
  const { names } = context
  const topics = new Set<string>()
  for (const { ref } of await deadTopics(found, context)) topics.add(ref.topic)
  const all = new Set(found)
  for (const name of found) {
    const topic = names.topicOfMain(name)
    if (topic !== undefined && (context.hasPrefix || all.has(names.delay(topic)))) topics.add(topic)
  }
  return pageByName([...topics], page, (topic) => ({ topic }))
}

export interface ListingContext extends InspectContext {
  /** True if the names of all topics begin with a prefix of the application. */
  readonly hasPrefix: boolean
}

/**
 * Lists the groups of a topic, and the ephemeral subscriptions that processes say they have. Whether a group is paused is among its notes,
 * and how many members it has is asked of the brokers.
 */
export async function listGroups(
  { topic }: TopicRef,
  page: PageRequest,
  context: ListingContext,
): Promise<Page<GroupInfo>> {
  const { cluster, names } = context
  const found = await deadTopics(await cluster.topicNames(), context)
  const own = new Map(found.filter(({ ref }) => ref.topic === topic).map((one) => [one.ref.group, one.dead]))
  const ephemeral = new Set((await ephemeralOf(context)).filter((ref) => ref.topic === topic).map(({ group }) => group))
  const { items, ...rest } = pageByName([...new Set([...own.keys(), ...ephemeral])], page, (group) => group)
  const shown = items.filter((group) => own.has(group))
  const deadOf = (group: string): string => own.get(group) as string
  const notes = await notesOf(shown.map(deadOf), cluster)
  const idOf = (group: string): string => names.group({ topic, group })
  const members = await membersOf(cluster, shown.map(idOf))
  const infoOf = (group: string): GroupInfo => {
    if (!own.has(group)) return { topic, group, ephemeral: true, consumers: 1 }
    const paused = markOf(notes.get(deadOf(group)) ?? [])
    return { topic, group, ephemeral: false, consumers: members.get(idOf(group))?.length, ...(paused && { paused }) }
  }
  return { ...rest, items: items.map(infoOf) }
}

/** Returns the ephemeral subscriptions of all processes. One whose process has just died is still among them, until its session ends. */
async function ephemeralOf({ cluster, names }: InspectContext): Promise<readonly GroupRef[]> {
  const rosters = (await groupIdsOf(cluster)).filter(names.isRoster)
  const members = await membersOf(cluster, rosters)
  return [...members.values()].flat().flatMap(({ label }) => (label === undefined ? [] : decodeRoster(label)))
}

interface DeadTopic {
  readonly dead: string
  readonly ref: GroupRef
}

/** Returns the topics of dead letters, of which each group has one, and which groups these are. */
async function deadTopics(found: readonly string[], { names, cluster }: InspectContext): Promise<readonly DeadTopic[]> {
  const known: DeadTopic[] = []
  const hashed: string[] = []
  for (const dead of found) {
    const ref = names.refOfDead(dead)
    if (ref === 'hashed') hashed.push(dead)
    else if (ref !== undefined) known.push({ dead, ref })
  }
  for (const [dead, notes] of await notesOf(hashed, cluster)) {
    const declared = notes.find((note) => note.kind === 'declared')
    if (typeof declared?.topic !== 'string' || typeof declared.group !== 'string') continue
    const ref = { topic: declared.topic, group: declared.group }
    if (names.dead(ref) === dead) known.push({ dead, ref })
  }
  return known
}

/** Reads the notes of several groups side by side. */
async function notesOf(dead: readonly string[], cluster: Cluster): Promise<ReadonlyMap<string, readonly GroupNote[]>> {
  const notes = new Map<string, GroupNote[]>()
  if (dead.length === 0) return notes
  // Others of them may have been deleted meanwhile.
  const there = new Set((await cluster.allPartitions(dead, { fresh: true })).map(nameOf))
  const logs = dead.map(notesLog).filter((log) => there.has(nameOf(log)))
  const ends = await partitionOffsets(cluster, logs, 'end')
  const parts = logs.map((log) => ({ ...log, from: 0, end: ends.get(nameOf(log)) ?? 0 }))
  const scan = new LogScan(cluster, parts, notesLimits)
  const isOpen = ({ hasEnded }: ScanPart): boolean => !hasEnded
  while (scan.parts.some(isOpen) && (await scan.fill())) {
    for (const part of scan.parts) {
      for (let record = part.shift(); record !== undefined; record = part.shift()) {
        const note = noteOf(record)
        if (note !== undefined) notes.set(part.topic, [...(notes.get(part.topic) ?? []), note])
      }
    }
  }
  return notes
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

import type { GroupRef, Routed } from '../../../src/index.js'
import type { Agenda } from './agenda.js'
import { Group } from './group.js'
import type { Listed } from './looking.js'
import type { Faulty } from './mutation.js'
import {
  maxStoredBytes,
  messageSize,
  type StartAt,
  type StoredMessage,
  type WireOutcome,
  type WirePublish,
} from './wire.js'

const retained = 1_000
export const dedupeMs = 60_000

interface Published {
  readonly until: number
  readonly outcome: WireOutcome
}

interface Delayed {
  readonly due: number
  /** Different for all delayed messages, and so large that no entry of a group has it. */
  readonly rank: number
  /** The groups that do not take it when it is due. */
  readonly skipped: Set<Group>
  readonly publish: WirePublish
}

/** The ids of messages in all topics. */
const idsEverywhere = new Map<string, Published>()

/** The messages of one topic, and its groups. */
export class Topic {
  readonly name: string
  readonly groups = new Map<string, Group>()
  readonly #agenda: Agenda
  readonly #faulty: Faulty
  /** The retained messages, for groups that start with earlier ones. */
  #log: StoredMessage[] = []
  #delayed: Delayed[] = []
  readonly #published: Map<string, Published>
  readonly #deleted = new Map<string, Group>()
  #nextPosition = 0
  #delays = 0

  constructor(name: string, agenda: Agenda, faulty: Faulty) {
    this.name = name
    this.#agenda = agenda
    this.#faulty = faulty
    this.#published = faulty('dedupeAcrossTopics') ? idsEverywhere : new Map()
  }

  /** The names of the groups that were deleted. */
  get notes(): readonly string[] {
    return [...this.#deleted.keys()].map((group) => `note ${this.name} ${group}`)
  }

  hadEphemeral(group: string): boolean {
    return this.#deleted.get(group)?.ephemeral === true
  }

  /** Lists the delayed messages that a group is to take. */
  delayedFor(group: Group): readonly Listed[] {
    return this.#delayed
      .filter(({ skipped }) => !skipped.has(group))
      .map(({ due, rank, publish: { message } }) => ({
        at: due,
        entry: { message: { ...message, position: rank, takenAt: Date.now() }, runs: 0, rank },
      }))
  }

  /** Leaves delayed messages to the other groups, and returns them. */
  skip(
    group: Group,
    ranks: ReadonlySet<number>,
    { keeps = false }: { readonly keeps?: boolean } = {},
  ): readonly StoredMessage[] {
    const meant = this.#delayed.filter(({ rank, skipped }) => ranks.has(rank) && !skipped.has(group))
    if (!keeps) for (const { skipped } of meant) skipped.add(group)
    return meant.map(({ rank, publish: { message } }) => ({ ...message, position: rank, takenAt: Date.now() }))
  }

  publish(publish: WirePublish): WireOutcome {
    const bytes = messageSize(publish.message)
    const isTooLarge = bytes > maxStoredBytes || (bytes > maxStoredBytes / 2 && this.#faulty('largeBodyRejected'))
    if (isTooLarge) return { status: 'rejected', text: 'The message is too large' }
    const now = this.#agenda.now()
    const id = this.#identityOf(publish)
    const before = id === undefined ? undefined : this.#published.get(id)
    if (before !== undefined && before.until > now) return before.outcome
    const outcome = { status: 'stored', routed: this.#take(publish, now) } as const
    if (id !== undefined) this.#published.set(id, { until: now + dedupeMs, outcome })
    return outcome
  }

  declare(name: string, startAt: StartAt): void {
    const before = this.groups.get(name)
    if (before !== undefined && !this.#faulty('redeclareResets')) return
    const made = this.#add(name, { ephemeral: false })
    for (const message of this.#from(startAt)) made.add(message)
    if (this.#faulty('declareResolvesEarly')) made.listensFrom = this.#nextPosition + 2
  }

  openEphemeral(name: string): Group {
    const shared = [...this.groups.values()].find(({ ephemeral }) => ephemeral)
    if (shared !== undefined && this.#faulty('ephemeralCompetes')) return shared
    const made = this.#add(name, { ephemeral: true })
    if (this.#faulty('ephemeralGetsOld')) for (const message of this.#log) made.add(message)
    return made
  }

  /** Returns whether it existed. */
  delete(name: string): boolean {
    const group = this.groups.get(name)
    if (group === undefined) return false
    const others = this.#faulty('deleteGroupHitsOthers') ? [...this.groups.values()] : []
    for (const gone of new Set([group, ...others])) {
      this.groups.delete(gone.ref.group)
      this.#deleted.set(gone.ref.group, gone)
      gone.destroy(this.#nextPosition)
    }
    return true
  }

  /** Publishes due messages. Returns when the next one is due, here or in a group. */
  wake(now: number): number {
    const due = this.#delayed.filter((one) => one.due <= now).sort((a, b) => a.due - b.due)
    this.#delayed = this.#delayed.filter((one) => one.due > now)
    for (const { publish, skipped } of due) this.#store(publish, skipped)
    return Math.min(
      ...this.#delayed.map((one) => one.due),
      ...[...this.groups.values()].map((group) => group.wake(now)),
    )
  }

  /** Handles the end of the broker. Everything is stored, so nothing is lost. */
  loseMemory(): void {
    if (this.#faulty('delayInMemory')) this.#delayed = []
    if (this.#faulty('groupsInMemory')) this.groups.clear()
    for (const group of this.groups.values()) group.loseMemory()
  }

  #identityOf({ message }: WirePublish): string | undefined {
    if (this.#faulty('noDedupe')) return undefined
    if (this.#faulty('dedupeByBody')) return Buffer.from(message.body).toString('base64')
    return message.attributes.id
  }

  #take(publish: WirePublish, now: number): Routed {
    const due = now + this.#delayOf(publish)
    if (due > now) return this.#delay(publish, due)
    const lastDue = Math.max(...this.#delayed.map((one) => one.due))
    if (this.#delayed.length > 0 && this.#faulty('delayBlocksQueue')) return this.#delay(publish, lastDue)
    return this.#store(publish)
  }

  #delayOf({ delayMs }: WirePublish): number {
    if (this.#faulty('delayIgnored')) return 0
    if (this.#faulty('delayEarly')) return delayMs / 2
    return this.#faulty('delaySloppy') ? Math.ceil(delayMs / 2_000) * 2_000 : delayMs
  }

  #from(startAt: StartAt): readonly StoredMessage[] {
    if (typeof startAt === 'number') return this.#log.filter(({ position }) => position >= startAt)
    if (startAt === 'latest') return this.#faulty('latestIsEarliest') ? this.#log : []
    if (this.#faulty('earliestIsLatest')) return []
    return this.#faulty('earliestSkipsFirst') ? this.#log.slice(1) : this.#log
  }

  #add(name: string, { ephemeral }: { readonly ephemeral: boolean }): Group {
    const ref: GroupRef = { topic: this.name, group: name }
    const others = (): readonly Group[] => [...this.groups.values()]
    const made = new Group(ref, { ephemeral, agenda: this.#agenda, faulty: this.#faulty, others })
    const deleted = this.#deleted.get(name)
    if (deleted !== undefined) made.inherit(deleted)
    this.groups.set(name, made)
    return made
  }

  #store({ message }: WirePublish, skipped: ReadonlySet<Group> = new Set()): Routed {
    const stored = { ...message, position: this.#nextPosition, takenAt: Date.now() }
    this.#nextPosition += 1
    const all = [...this.groups.values()].slice(0, this.#faulty('groupsForgottenPastForty') ? 40 : undefined)
    const groups = all.filter((group) => !skipped.has(group))
    if (groups.length > 0 || !this.#faulty('unroutedDropped')) this.#log.push(stored)
    if (this.#log.length > retained) this.#log.shift()
    if (message.body.byteLength > 0 || !this.#faulty('emptyBodyDropped')) this.#fanOut(stored, groups)
    return groups.length > 0 ? 'yes' : 'no'
  }

  #fanOut(stored: StoredMessage, groups: readonly Group[]): void {
    const one = groups[stored.position % groups.length]
    for (const group of this.#faulty('groupsCompete') && one !== undefined ? [one] : groups) {
      if (group.listensFrom > stored.position) continue
      group.add(stored)
      if (stored.position % 7 === 6 && this.#faulty('dupSometimes')) group.add(stored)
    }
  }

  /** The groups at the due time are not yet known. */
  #delay(publish: WirePublish, due: number): Routed {
    this.#delays += 1
    const delayed = { publish, due, rank: 1e9 + this.#delays, skipped: new Set<Group>() }
    if (this.#delayed.length < 500 || !this.#faulty('delaysLostPastLimit')) this.#delayed.push(delayed)
    this.#agenda.at(due)
    return 'unknown'
  }
}

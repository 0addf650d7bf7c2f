import { randomUUID } from 'node:crypto'
import type { Failure, QueueStats, Settlement, Source } from '../../../src/index.js'
import type { Agenda } from './agenda.js'
import { Lanes } from './lanes.js'
import type { Entry, Member } from './member.js'
import type { StoredMessage, WireDeadLetter } from './wire.js'

interface Delayed {
  readonly due: number
  readonly entry: Entry
}

let deliveries = 0

/** What one group has not finished, and who of its members has which part of it in hand. */
export class Group {
  readonly source: Source
  readonly ephemeral: boolean
  readonly #agenda: Agenda
  readonly #lanes = new Lanes()
  /** By rank. */
  #ready: Entry[] = []
  #delayed: Delayed[] = []
  #dead: WireDeadLetter[] = []
  /** The one that was served longest ago is first. */
  readonly #members = new Set<Member>()
  #lastRank = 0
  #scheduled = false

  constructor(source: Source, options: { readonly ephemeral: boolean; readonly agenda: Agenda }) {
    this.source = source
    this.ephemeral = options.ephemeral
    this.#agenda = options.agenda
  }

  get stats(): { readonly [Name in keyof QueueStats]: number } {
    const inFlight = [...this.#members].reduce((sum, { held }) => sum + held.size, 0)
    return { ready: this.#ready.length, inFlight, delayed: this.#delayed.length, dead: this.#dead.length }
  }

  add(message: StoredMessage): void {
    this.#enqueue({ message, runs: 0 })
  }

  join(member: Member): void {
    this.#members.add(member)
    this.#schedule()
  }

  /** What the member still holds runs again; a run that had begun has counted. */
  leave(member: Member): void {
    this.#members.delete(member)
    for (const entry of member.held.values()) this.#takeBack(entry)
    member.held.clear()
    this.#schedule()
  }

  /** The member goes on purpose and gives back what it holds: those runs do not count. */
  cancel(member: Member): void {
    for (const delivery of [...member.held.keys()]) this.settle(member, delivery, { kind: 'release' })
    this.leave(member)
  }

  /** Does nothing for a delivery that the member has not, or not any more. */
  settle(member: Member, delivery: number, settlement: Settlement): void {
    const entry = member.held.get(delivery)
    if (entry === undefined) return
    member.held.delete(delivery)
    if (settlement.kind === 'release' && !this.ephemeral) this.#takeBack({ ...entry, runs: entry.runs - 1 })
    else {
      this.#lanes.leave(entry)
      if (settlement.kind === 'retry' && !this.ephemeral) this.#delay(entry, settlement)
      if (settlement.kind === 'dead' && !this.ephemeral) this.#bury(entry.message, settlement.failure)
    }
    this.#schedule()
  }

  list(limit: number): readonly WireDeadLetter[] {
    return this.#dead.slice(0, limit)
  }

  replay(entryIds: readonly string[] | undefined): number {
    const taken = this.#takeDead(entryIds)
    for (const { message } of taken) this.#enqueue({ message, runs: 0 })
    return taken.length
  }

  purge(entryIds: readonly string[] | undefined): number {
    return this.#takeDead(entryIds).length
  }

  /** The group is deleted. Its members lose what they hold and are told. */
  destroy(next: number): void {
    const { ready, inFlight, delayed } = this.stats
    const members = [...this.#members]
    this.#members.clear()
    for (const member of members) {
      member.held.clear()
      member.cancelled({ lost: ready + inFlight + delayed, next })
    }
  }

  /** Makes ready what is due; returns when the next one is. */
  wake(now: number): number {
    const due = this.#delayed.filter((one) => one.due <= now).sort((a, b) => a.due - b.due)
    this.#delayed = this.#delayed.filter((one) => one.due > now)
    for (const { entry } of due) this.#enqueue(entry)
    return this.#delayed.reduce((earliest, one) => Math.min(earliest, one.due), Number.POSITIVE_INFINITY)
  }

  #enqueue(entry: Omit<Entry, 'rank'>): void {
    this.#lastRank += 1
    this.#ready.push({ ...entry, rank: this.#lastRank })
    this.#schedule()
  }

  #takeBack(entry: Entry): void {
    this.#lanes.leave(entry)
    if (this.ephemeral) return
    const at = this.#ready.findIndex(({ rank }) => rank > entry.rank)
    this.#ready.splice(at < 0 ? this.#ready.length : at, 0, entry)
  }

  #delay({ message, runs, rank }: Entry, retry: Settlement & { kind: 'retry' }): void {
    const due = this.#agenda.now() + retry.delayMs
    this.#delayed.push({ due, entry: { message, runs, rank, failure: retry.failure } })
    this.#agenda.at(due)
  }

  #bury(message: StoredMessage, failure: Failure): void {
    this.#dead.push({ entryId: randomUUID(), message, failure })
  }

  #takeDead(entryIds: readonly string[] | undefined): readonly WireDeadLetter[] {
    const isTaken = ({ entryId }: WireDeadLetter): boolean => entryIds === undefined || entryIds.includes(entryId)
    const taken = this.#dead.filter(isTaken)
    this.#dead = this.#dead.filter((entry) => !isTaken(entry))
    return taken
  }

  #schedule(): void {
    if (this.#scheduled || this.#members.size === 0 || this.#ready.length === 0) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#dispatch()
    })
  }

  #dispatch(): void {
    for (let member = this.#freeMember(); member !== undefined; member = this.#freeMember()) {
      const at = this.#ready.findIndex((entry) => !member?.options.ordered || this.#lanes.isFree(entry))
      const [entry] = at < 0 ? [] : this.#ready.splice(at, 1)
      if (entry === undefined) return
      this.#members.delete(member)
      this.#members.add(member)
      if (member.options.ordered) this.#lanes.enter(entry)
      this.#deliver(member, { ...entry, runs: entry.runs + 1 })
    }
  }

  #deliver(member: Member, entry: Entry): void {
    deliveries += 1
    member.held.set(deliveries, entry)
    member.deliver({ delivery: deliveries, entry })
  }

  #freeMember(): Member | undefined {
    const isFree = ({ held, paused, options }: Member): boolean => !paused && held.size < options.concurrency
    return [...this.#members].find(isFree)
  }
}

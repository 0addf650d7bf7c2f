import type { Settlement } from '../../../src/adapter.js'
import type { GroupInfo, GroupPause, GroupRef, MessageState, QueueStats } from '../../../src/index.js'
import type { Agenda } from './agenda.js'
import { DeadLetterList, type ReplayedEntry } from './dead-letter-list.js'
import { Lanes } from './lanes.js'
import type { Listed } from './looking.js'
import type { Entry, Member } from './member.js'
import type { Faulty } from './mutation.js'
import { maxStoredBytes, messageSize, type StoredMessage } from './wire.js'

export interface GroupOptions {
  readonly ephemeral: boolean
  readonly agenda: Agenda
  readonly faulty: Faulty
  /** All groups of the topic. */
  readonly others: () => readonly Group[]
}

interface Delayed {
  readonly due: number
  readonly entry: Entry
}

type Retry = Settlement & { readonly kind: 'retry' }

let deliveries = 0
let groups = 0

const leaseMs = 300
const laterMs = 400
const unreadLimit = 30
/** The room that the failure of a dead letter takes. */
const failureBytes = 500
const isFull = ({ message }: Entry): boolean => messageSize(message) + failureBytes > maxStoredBytes

/** The failures that are stored when their delivery is settled once more. */
const aside = new Map<number, () => void>()

/** Returns whether the failure of this delivery was set aside. It is stored then. */
export function storeAside(delivery: number): boolean {
  aside.get(delivery)?.()
  return aside.delete(delivery)
}

type Counts = { readonly [Name in 'ready' | 'inFlight' | 'delayed' | 'retrying' | 'dead']: number }

/** The unfinished messages of one group, and which member holds which. */
export class Group {
  readonly ref: GroupRef
  readonly ephemeral: boolean
  readonly serial: number
  /** The position of the first message for this group. */
  listensFrom = 0
  readonly #agenda: Agenda
  readonly #faulty: Faulty
  readonly #others: () => readonly Group[]
  readonly #lanes: Lanes
  readonly #deadLetters: DeadLetterList
  /** The waiting entries, by rank. */
  #ready: Entry[] = []
  #delayed: Delayed[] = []
  /** The members. The one that was served longest ago is first. */
  readonly #members = new Set<Member>()
  /** The deliveries by number, including lost ones. */
  readonly #everDelivered = new Map<number, Entry>()
  readonly #everSettled = new Map<Member, Entry[]>()
  readonly #gaveBack = new Set<Member>()
  #firstMember: Member | undefined
  #lastRank = 0
  #paused: GroupPause | undefined
  /** Whether it had members when it was deleted. */
  #wasUsed = false
  /** The members that were there when the group was paused, for mutants. */
  #told: ReadonlySet<Member> = new Set()
  /** The ranks of entries that are removed in a moment, for mutants. */
  readonly #leaving = new Set<number>()
  #scheduled = false

  constructor(ref: GroupRef, { ephemeral, agenda, faulty, others }: GroupOptions) {
    this.ref = ref
    this.ephemeral = ephemeral
    this.#agenda = agenda
    this.#faulty = faulty
    this.#others = others
    this.#lanes = new Lanes(faulty)
    this.#deadLetters = new DeadLetterList(faulty)
    groups += 1
    this.serial = groups
  }

  get info(): GroupInfo {
    return {
      ...this.ref,
      ephemeral: this.ephemeral && !this.#faulty('groupsHideEphemeral'),
      consumers: this.#faulty('groupsMiscount') ? this.#members.size + 1 : this.#members.size,
      ...(this.#paused && { paused: this.#paused }),
    }
  }

  get ages(): Pick<QueueStats, 'oldestReadyMs' | 'oldestDeadMs' | 'paused'> {
    const since = this.#ready.map((entry) => {
      const published = Date.parse(entry.message.attributes.time ?? '') - Date.now() + this.#agenda.now()
      return this.#faulty('statsAgeSincePublish') ? published : entry.since
    })
    const oldest = this.#faulty('statsAgeOfNewest') ? Math.max(...since) : Math.min(...since)
    const failedAt = this.#deadLetters.list(1)[0]?.failure.failedAt
    const isUntold = this.#faulty('pauseNotInStats')
    return {
      oldestReadyMs: since.length === 0 ? 0 : Math.max(0, Math.round(this.#agenda.now() - oldest)),
      oldestDeadMs: failedAt === undefined || this.#faulty('statsDeadAgeless') ? 0 : Math.max(0, Date.now() - failedAt),
      paused: isUntold ? undefined : this.#paused,
    }
  }

  get stats(): Counts {
    const inFlight = [...this.#members].reduce((sum, { held }) => sum + held.size, 0)
    return {
      ready: this.#waiting + (this.#faulty('statsReadyCountsInFlight') ? inFlight : 0),
      inFlight: this.#faulty('statsForgetInFlight') ? 0 : inFlight,
      delayed: this.#ready.filter(({ isReplayed }) => isReplayed && this.#faulty('statsReplayedDelayed')).length,
      retrying: this.#faulty('statsForgetRetrying') ? 0 : this.#delayed.length,
      dead: this.#faulty('statsForgetDead') ? 0 : this.#deadLetters.size,
    }
  }

  get #waiting(): number {
    return this.#ready.filter(({ isReplayed }) => !(isReplayed && this.#faulty('statsReplayedDelayed'))).length
  }

  get #remembersDeliveries(): boolean {
    return this.#faulty('noFencing') || this.#faulty('noFenceAfterSilence') || this.#faulty('lateFailureTaken')
  }

  get isBusy(): boolean {
    return [...this.#members].some(({ held, options }) => held.size >= options.concurrency)
  }

  get deadLetters(): Pick<DeadLetterList, 'list' | 'purge'> {
    return this.#deadLetters
  }

  entries(state: MessageState): readonly Listed[] {
    if (state === 'ready') {
      const listed = this.#ready.map((entry) => ({ entry, at: entry.since }))
      if (this.#faulty('waitingCountsRun'))
        this.#ready = this.#ready.map((entry) => ({ ...entry, runs: entry.runs + 1 }))
      if (this.#faulty('waitingTakes')) this.#hideForAMoment()
      return listed
    }
    if (state === 'retrying') return this.#delayed.map(({ entry, due }) => ({ entry, at: due }))
    if (state === 'delayed') return []
    if (this.#faulty('inFlightUnlisted')) return []
    return [...this.#members].flatMap(({ held, heldSince }) =>
      [...held].map(([delivery, entry]) => ({ entry, at: heldSince.get(delivery) ?? 0 })),
    )
  }

  /** Removes entries by rank, and returns their messages. */
  take(ranks: ReadonlySet<number>, { running }: { readonly running: boolean }): readonly StoredMessage[] {
    const isTaken = ({ rank }: Entry): boolean => ranks.has(rank)
    const freed = this.#faulty('removalFreesKey') ? this.#ready.filter(isTaken) : []
    for (const entry of freed) for (const member of this.#members) this.#lanes.free(entry, member)
    const taken = [...this.#ready.filter(isTaken), ...this.#delayed.map(({ entry }) => entry).filter(isTaken)]
    this.#ready = this.#ready.filter((entry) => !isTaken(entry))
    this.#delayed = this.#delayed.filter(({ entry }) => !isTaken(entry))
    if (running) {
      for (const { held } of this.#members) {
        for (const [delivery, entry] of held) if (isTaken(entry) && held.delete(delivery)) taken.push(entry)
      }
    }
    if (freed.length > 0) this.#schedule()
    return taken.map(({ message }) => message)
  }

  /** Says at once how many entries it removes, and removes those that are left a moment later. For mutants. */
  takeLate(ranks: ReadonlySet<number>): number {
    const waiting = [...this.#ready, ...this.#delayed.map(({ entry }) => entry)]
    const meant = waiting.filter(({ rank }) => ranks.has(rank) && !this.#leaving.has(rank))
    for (const { rank } of meant) this.#leaving.add(rank)
    setTimeout(() => this.take(new Set(meant.map(({ rank }) => rank)), { running: false }), laterMs)
    return meant.length
  }

  /** Removes the entries of certain messages. */
  takeMessages(messages: readonly StoredMessage[]): void {
    const positions = new Set(messages.map(({ position }) => position))
    this.#ready = this.#ready.filter(({ message }) => !positions.has(message.position))
    this.#delayed = this.#delayed.filter(({ entry }) => !positions.has(entry.message.position))
  }

  putBack(messages: readonly StoredMessage[]): void {
    for (const message of messages) this.#enqueue({ message, runs: 0, since: this.#agenda.now() })
  }

  /** Makes retries ready at once, and returns how many. */
  hurry(ranks: ReadonlySet<number>): number {
    const meant = this.#delayed.filter(({ entry }) => ranks.has(entry.rank))
    this.#delayed = this.#delayed.filter(({ entry }) => !ranks.has(entry.rank))
    for (const { entry } of meant) {
      const runs = this.#faulty('runNowForgetsAttempt') ? 0 : entry.runs
      this.#enqueue({ ...entry, runs, since: this.#agenda.now() })
    }
    return meant.length
  }

  pause(mark: GroupPause, own: readonly Member[]): void {
    if (this.#paused === undefined || this.#faulty('pauseAgainChangesMark')) {
      this.#paused = this.#faulty('pauseByLost') ? { ...mark, by: 'somebody' } : mark
    }
    this.#told = new Set(this.#faulty('pauseOnlyOwnProcess') ? own : this.#members)
    for (const member of this.#members) {
      member.told(this.#paused)
      if (this.#faulty('pauseTakesRunning'))
        for (const delivery of [...member.held.keys()]) this.#expire(member, delivery)
    }
  }

  resume(): void {
    if (this.#faulty('resumeReverses')) this.#ready.reverse()
    this.#paused = undefined
    if (this.#faulty('resumeUnheard')) return
    for (const member of this.#members) member.told(undefined)
    this.#schedule()
  }

  /** Returns whether a member gets nothing because the group is paused. */
  #isPaused(member: Member): boolean {
    if (this.#paused === undefined || this.#faulty('pauseIgnored')) return false
    const isPartial = this.#faulty('pauseOnlyOwnProcess') || this.#faulty('pauseMissesLateConsumers')
    return !isPartial || this.#told.has(member)
  }

  #hideForAMoment(): void {
    const hidden = this.#ready
    this.#ready = []
    setTimeout(() => {
      this.#ready.push(...hidden)
      this.#schedule()
    }, 300).unref()
  }

  add(message: StoredMessage): void {
    if (this.#members.size === 0 && this.#faulty('noRetention')) return
    if (this.#paused !== undefined && this.#faulty('pauseDropsPublished')) return
    this.#enqueue({ message, runs: 0, since: this.#agenda.now() })
    if (this.#ready.length > unreadLimit && this.#faulty('trimsUnread')) this.#ready.shift()
    if (this.#ready.length > 3_000 && this.#faulty('trimsLongBacklog')) this.#ready.shift()
  }

  join(member: Member): void {
    if (this.#faulty('joiningTakesRunning')) this.#shareRunning(member)
    this.#members.add(member)
    this.#firstMember ??= member
    if (!this.#faulty('pauseUnheardOnReturn')) member.told(this.#paused)
    this.#schedule()
  }

  /** Gives a member what others have been handling for a second since it has joined. */
  #shareRunning(member: Member): void {
    for (const { held } of this.#members) {
      for (const [delivery, entry] of held) {
        setTimeout(() => {
          if (held.has(delivery)) this.#deliver(member, entry)
        }, 1_000)
      }
    }
  }

  /** Removes a lost member. Its messages run again, and their started runs count. */
  leave(member: Member): void {
    if (!this.#faulty('leaveUnacked')) this.#members.delete(member)
    if (this.#firstMember === member) this.#firstMember = undefined
    member.paused = true
    if (this.#members.size === 0 && this.#faulty('pauseEndsWithConsumers')) this.#paused = undefined
    const held = this.#paused !== undefined && this.#faulty('pauseDropsKilled') ? [] : [...member.held.values()]
    if (!this.#faulty('leaveUnacked')) member.held.clear()
    if (this.#faulty('dropOnReconnect') || this.#faulty('leaveUnacked')) return
    const settled = this.#faulty('killRedeliversSettled') ? (this.#everSettled.get(member) ?? []) : []
    if (this.#members.size === 0 && this.#faulty('failureForgottenWithConsumer')) {
      this.#delayed = this.#delayed.map(({ due, entry: { failure: _, ...entry } }) => ({ due, entry }))
    }
    const [other] = this.#members
    if (other !== undefined && this.#faulty('comesBackPastLimit')) {
      for (const entry of held) this.#deliver(other, { ...entry, runs: entry.runs + 1 })
      return
    }
    for (const entry of held) this.#lose(entry, member)
    for (const entry of settled) this.#takeBack(entry)
    this.#schedule()
  }

  /** Removes a member that leaves properly. Its messages go back, and their runs do not count. */
  cancel(member: Member): void {
    const isUnfinished = member.held.size > 0 || this.#gaveBack.delete(member)
    if (this.#faulty('stopDropsInFlight')) member.held.clear()
    for (const delivery of [...member.held.keys()]) this.settle(member, delivery, { kind: 'release' })
    const handled = this.#everSettled.get(member) ?? []
    this.#everSettled.delete(member)
    this.leave(member)
    if (isUnfinished && this.#faulty('leavingTakesBackHandled')) for (const entry of handled) this.#takeBack(entry)
  }

  /** Settles a delivery. Does nothing if the member does not hold it. */
  settle(member: Member, delivery: number, settlement: Settlement): void {
    const entry = member.held.get(delivery)
    if (entry === undefined) {
      this.#settleLate(delivery, settlement)
      return
    }
    if (this.#isStoredLater(settlement)) {
      const store = this.setAside(member, delivery, settlement)
      if (store !== undefined) aside.set(delivery, store)
      return
    }
    if (settlement.kind === 'dead' && isFull(entry) && this.#faulty('largeDeadLetterStuck')) return
    member.held.delete(delivery)
    if (settlement.kind === 'release') this.#gaveBack.add(member)
    if (settlement.kind === 'release' && !this.ephemeral) this.#release(entry, member)
    else {
      const stuck = settlement.kind !== 'done' && this.#faulty('keyStuckAfterFailure')
      if (!stuck) this.#lanes.leave(entry, member)
      if (settlement.kind === 'done') this.#remember(entry, member)
      this.#carryOut(entry, settlement, member)
    }
    this.#schedule()
  }

  /** Takes a failed delivery from its member and keeps it nowhere. Returns a function that stores it after all. */
  setAside(member: Member, delivery: number, settlement: Settlement): (() => void) | undefined {
    const entry = member.held.get(delivery)
    if (entry === undefined || settlement.kind === 'done' || settlement.kind === 'release') return undefined
    member.held.delete(delivery)
    this.#lanes.leave(entry, member)
    this.#schedule()
    return () => this.#carryOut(entry, settlement, member)
  }

  replay(entryIds: readonly string[] | undefined): number {
    const all = this.#faulty('replayStopsAtHundred') ? this.#deadLetters.list(100) : undefined
    const replayed = this.#deadLetters.replay(entryIds ?? all?.map(({ entryId }) => entryId))
    for (const entry of replayed.entries) this.#addReplayed(entry)
    return replayed.count
  }

  /** Removes the entries. Returns a function for each that sends it to the group. */
  replays(entryIds: readonly string[] | undefined): readonly (() => void)[] {
    return this.#deadLetters.replay(entryIds).entries.map((entry) => () => this.#addReplayed(entry))
  }

  #addReplayed({ message, attempts, failure }: ReplayedEntry): void {
    const groups = this.#faulty('replayToAllGroups') ? this.#others() : [this]
    const since = this.#agenda.now()
    const entry = { message, runs: attempts, ...(failure && { failure }), isReplayed: true, since }
    for (const group of groups) group.#enqueue(entry)
    if (this.#faulty('replayEndsPause')) this.resume()
  }

  /** Deletes the group. Its members lose their messages and are notified. */
  destroy(next: number): void {
    const { ready, inFlight, retrying } = this.stats
    const members = [...this.#members]
    this.#wasUsed = members.length > 0
    if (this.#faulty('deletionMissesStopping')) {
      const stopping = members.filter(({ paused }) => paused)
      this.#ready = stopping.flatMap(({ held }) => [...held.values()])
    }
    this.#members.clear()
    for (const member of members) {
      member.held.clear()
      member.cancelled({ lost: ready + inFlight + retrying, next })
    }
  }

  /** Makes due messages ready. Returns when the next one is due. */
  wake(now: number): number {
    if (this.#paused !== undefined && this.#faulty('pauseDropsRetries'))
      this.#delayed = this.#delayed.filter((one) => one.due > now)
    const due = this.#delayed.filter((one) => one.due <= now).sort((a, b) => a.due - b.due)
    this.#delayed = this.#delayed.filter((one) => one.due > now)
    for (const { entry } of due) this.#enqueue(entry)
    return this.#delayed.reduce((earliest, one) => Math.min(earliest, one.due), Number.POSITIVE_INFINITY)
  }

  /** Handles an earlier, deleted group of the same name, of which nothing must be left. */
  inherit(deleted: Group): void {
    if (this.#faulty('deleteGroupKeepsMessages') || this.#faulty('deletionMissesStopping')) this.#ready = deleted.#ready
    if (deleted.#paused !== undefined && this.#faulty('deletedPauseGivesBack')) this.#ready = deleted.#ready
    if (this.#faulty('deleteGroupKeepsDead')) this.#deadLetters.inherit(deleted.#deadLetters)
    if (this.#faulty('deletedStaysPaused')) this.#paused = deleted.#paused
    if (deleted.#wasUsed && this.#faulty('deletedUnderConsumersPaused')) this.#paused = deleted.#paused
  }

  /** Handles the end of the broker. Everything is stored, unless a mutant says otherwise. */
  loseMemory(): void {
    if (this.#faulty('messagesInMemory')) this.#ready = []
    if (this.#faulty('retryInMemory')) this.#delayed = []
    if (this.#faulty('pauseInMemory')) this.#paused = undefined
    if (this.#faulty('dlqInMemory')) this.#deadLetters.purge(undefined)
  }

  #enqueue(entry: Omit<Entry, 'rank'>): void {
    this.#lastRank += 1
    this.#ready.push({ ...entry, rank: this.#lastRank })
    this.#schedule()
  }

  #lose(entry: Entry, member: Member): void {
    if (!this.#faulty('keyStuckAfterLoss')) this.#lanes.leave(entry, member)
    const lost = { ...entry, crashes: (entry.crashes ?? 0) + 1 }
    if (this.#faulty('lostComesLast')) {
      this.#enqueue(lost)
      return
    }
    this.#takeBack(this.#faulty('crashNotCounted') ? { ...lost, runs: lost.runs - 1 } : lost)
  }

  #release(entry: Entry, member: Member): void {
    this.#lanes.leave(entry, member)
    const { failure, ...rest } = entry
    const kept = failure === undefined || this.#faulty('releaseForgetsFailure') ? rest : entry
    this.#takeBack(this.#faulty('releaseCounts') ? kept : { ...kept, runs: kept.runs - 1 })
  }

  #takeBack(entry: Entry): void {
    if (this.ephemeral) return
    const at = this.#ready.findIndex(({ rank }) => rank > entry.rank)
    this.#ready.splice(at < 0 ? this.#ready.length : at, 0, entry)
  }

  #carryOut(entry: Entry, settlement: Settlement, member: Member): void {
    if (this.ephemeral) {
      if (settlement.kind === 'dead' && entry.runs < 3 && this.#faulty('ephemeralRetries')) this.#enqueue(entry)
    } else if (settlement.kind === 'retry') {
      if (this.#faulty('retryAfterAck')) this.#later(member, () => this.#delay(entry, settlement))
      else this.#delay(entry, settlement)
    } else if (settlement.kind === 'dead') {
      if (this.#isRetriedForEver(settlement)) this.#enqueue({ ...entry, runs: entry.runs - 1 })
      else if (this.#faulty('dlqAfterAck')) this.#later(member, () => this.#deadLetters.add(entry, settlement.failure))
      else this.#deadLetters.add(entry, settlement.failure)
    }
  }

  #isRetriedForEver({ failure: { reason } }: Settlement & { kind: 'dead' }): boolean {
    const isHopeless = reason === 'unrecoverable' || reason === 'invalid' || reason === 'undecodable'
    return this.#faulty('retryForever') || (isHopeless && this.#faulty('rejectRetries'))
  }

  #delay(entry: Entry, retry: Retry): void {
    const { message, rank } = entry
    const runs = entry.runs - (this.#faulty('crashForgottenByRetry') ? (entry.crashes ?? 0) : 0)
    const due = this.#agenda.now() + this.#delayOf(retry)
    const kept = this.#faulty('retryLosesHeaders') ? { ...message, headers: {} } : message
    const delayed = { due, entry: { message: kept, runs, rank, failure: retry.failure, since: due } }
    const groups = this.#faulty('retryToAllGroups') ? this.#others() : [this]
    for (const group of groups) group.#delayed.push(delayed)
    if (this.#faulty('retryDuplicates')) this.#delayed.push(delayed)
    this.#agenda.at(due)
  }

  #delayOf({ delayMs }: Retry): number {
    if (this.#faulty('backoffIgnored')) return 0
    if (this.#faulty('retryEarly')) return delayMs / 2
    return this.#faulty('retrySloppy') ? Math.ceil(delayMs / 2_000) * 2_000 : delayMs
  }

  /** Delivers a little later, and not at all if the member is gone by then. */
  #later(member: Member, work: () => void): void {
    setTimeout(() => {
      if (this.#members.has(member)) work()
    }, laterMs)
  }

  #isStoredLater({ kind }: Settlement): boolean {
    return (
      (kind === 'retry' && this.#faulty('retryAfterAnswer')) || (kind === 'dead' && this.#faulty('deadAfterAnswer'))
    )
  }

  #settleLate(delivery: number, settlement: Settlement): void {
    if (this.#faulty('noFencing') || (settlement.kind === 'done' && this.#faulty('noFenceAfterSilence'))) {
      this.#settleForeign(delivery)
    }
    const lost = this.#everDelivered.get(delivery)
    if (settlement.kind === 'retry' && lost !== undefined && this.#faulty('lateFailureTaken'))
      this.#delay(lost, settlement)
  }

  /** Accepts the settlement of a former owner, which ends the message for the current one. */
  #settleForeign(delivery: number): void {
    const lost = this.#everDelivered.get(delivery)
    if (lost === undefined) return
    this.#ready = this.#ready.filter(({ rank }) => rank !== lost.rank)
    for (const { held } of this.#members) {
      for (const [number, { rank }] of held) if (rank === lost.rank) held.delete(number)
    }
  }

  #remember(entry: Entry, member: Member): void {
    if (!this.#faulty('killRedeliversSettled') && !this.#faulty('leavingTakesBackHandled')) return
    this.#everSettled.set(member, [...(this.#everSettled.get(member) ?? []), entry])
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
    if (this.#delayed.length > 0 && this.#faulty('retryBlocksOthers')) return
    for (let member = this.#freeMember(); member !== undefined; member = this.#freeMember()) {
      const entry = this.#next(member)
      if (entry === undefined) return
      this.#members.delete(member)
      this.#members.add(member)
      if (member.options.ordered) this.#lanes.enter(entry, member)
      const run = { ...entry, runs: entry.runs + 1 }
      for (const one of this.#faulty('dupInGroup') ? [...this.#members] : [member]) this.#deliver(one, run)
    }
  }

  #next(member: Member): Entry | undefined {
    const mayStart = (entry: Entry): boolean => !member.options.ordered || this.#lanes.isFree(entry, member)
    const at = this.#faulty('lifo') ? this.#ready.findLastIndex(mayStart) : this.#ready.findIndex(mayStart)
    return at < 0 ? undefined : this.#ready.splice(at, 1)[0]
  }

  #deliver(member: Member, entry: Entry): void {
    deliveries += 1
    const delivery = deliveries
    member.held.set(delivery, entry)
    member.heldSince.set(delivery, this.#agenda.now())
    if (this.#remembersDeliveries) this.#everDelivered.set(delivery, entry)
    if (this.#faulty('leaseNotExtended')) setTimeout(() => this.#expire(member, delivery), leaseMs).unref()
    member.deliver({ delivery, entry })
  }

  #expire(member: Member, delivery: number): void {
    const entry = member.held.get(delivery)
    if (entry === undefined) return
    member.held.delete(delivery)
    this.#lose(entry, member)
    this.#schedule()
  }

  #freeMember(): Member | undefined {
    const isFree = ({ held, paused, options }: Member): boolean => !paused && held.size < options.concurrency
    const members = [...this.#members].filter((member) => isFree(member) && !this.#isPaused(member))
    if (this.#faulty('secondConsumerStarves')) return members.find((member) => member === this.#firstMember)
    return members[0]
  }
}

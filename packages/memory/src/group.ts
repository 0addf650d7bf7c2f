import { randomUUID } from 'node:crypto'
import {
  type Failure,
  failureBeforeReplay,
  type GroupPause,
  type GroupRef,
  type MessageState,
  MqError,
  type Page,
  type RawDeadLetter,
  type RawMessage,
  type Settlement,
} from '@mq/core/adapter'
import type { Broker, DelayedMessage } from './broker.js'
import type { GroupConsumer } from './consumer.js'
import type { Entry } from './entry.js'
import { ReadyQueue } from './ready-queue.js'
import type { Appointment } from './timetable.js'

/** How many handlers start before timers and sockets get a turn, so that a backlog does not starve the rest of the process. */
const startsPerTurn = 128

/** How many messages wait for an ephemeral group before the oldest are dropped and reported: it must not fill the broker. */
const maxEphemeralBacklog = 10_000

/** An entry of a list. `at` is the time of the timetable by which its state is sorted. */
export interface WaitingEntry {
  readonly entry: Entry
  readonly at: number
}

/** A dead letter, and its place among all. */
interface DeadEntry extends RawDeadLetter {
  readonly number: number
}

/** The messages of one topic for one group of consumers. */
export class Group {
  readonly ref: GroupRef
  readonly ephemeral: boolean
  /** Different for all groups that a broker ever had. */
  readonly number: number
  readonly #broker: Broker
  readonly #ready = new ReadyQueue()
  readonly #delayed = new Map<Appointment, Entry>()
  readonly #dead = new Map<string, DeadEntry>()
  /** In the order in which they are asked. The first is the one that has waited longest for a message. */
  readonly #consumers = new Set<GroupConsumer>()
  /** Messages of the topic that are delayed, and that this group does not take when they are due. */
  readonly #skipped = new Set<DelayedMessage>()
  #paused: GroupPause | undefined
  #running = 0
  #startsLeft = startsPerTurn
  #scheduled = false

  constructor(broker: Broker, ref: GroupRef, options: { readonly ephemeral: boolean }) {
    this.#broker = broker
    this.ref = ref
    this.ephemeral = options.ephemeral
    this.number = broker.nextNumber()
  }

  get ready(): number {
    return this.#ready.length
  }
  get inFlight(): number {
    return this.#running
  }
  /** The entries whose runs have not ended. */
  get running(): readonly Entry[] {
    return [...this.#consumers].flatMap((consumer) => consumer.running)
  }
  get delayed(): number {
    return this.#delayed.size
  }
  get dead(): number {
    return this.#dead.size
  }
  get hasConsumers(): boolean {
    return this.#consumers.size > 0
  }
  get consumers(): number {
    return this.#consumers.size
  }
  /** Says whether a consumer goes on after the group was deleted. */
  get isWanted(): boolean {
    return [...this.#consumers].some((consumer) => !consumer.isStopping)
  }
  get paused(): GroupPause | undefined {
    return this.#paused
  }
  /** True if a consumer could take a message now. */
  get canStart(): boolean {
    return this.#consumers.size > 0 && this.#ready.length > 0 && this.#paused === undefined
  }
  /** How many delayed messages of the topic it does not take. */
  get skipped(): number {
    return this.#skipped.size
  }
  /** The time since which the oldest ready message could run. */
  get oldestReadySince(): number | undefined {
    return this.#ready.oldestSince
  }
  /** The time at which the oldest dead letter failed. */
  get oldestDeadAt(): number | undefined {
    const [oldest] = this.#dead.values()
    return oldest?.failure.failedAt
  }

  /** Takes in a message of the topic. */
  add(message: RawMessage, now: number): void {
    this.#hold(message, now)
    if (this.ephemeral && this.#ready.length > maxEphemeralBacklog) this.#dropOldest()
  }

  /** Takes in a message that was delayed, unless it is to be skipped. */
  addDelayed(delayed: DelayedMessage, now: number): void {
    if (!this.#skipped.delete(delayed)) this.add(delayed.message, now)
  }

  /** Keeps the mark that it has, if there is one. */
  pause(mark: GroupPause): void {
    this.#paused ??= mark
  }

  resume(): void {
    this.#paused = undefined
    this.#schedule()
  }

  /** Lists the entries of one state, in no order. */
  *entries(state: MessageState): Generator<WaitingEntry> {
    switch (state) {
      case 'ready':
        for (const entry of this.#ready) yield { entry, at: entry.since }
        return
      case 'retrying':
        for (const [{ due }, entry] of this.#delayed) yield { entry, at: due }
        return
      case 'inFlight':
        for (const consumer of this.#consumers) yield* consumer.runs()
        return
      case 'delayed':
        for (const delayed of this.#broker.delayedIn(this.ref.topic)) {
          if (this.#skipped.has(delayed)) continue
          const { message, number, appointment } = delayed
          yield { entry: { message, attempt: 1, number, since: appointment.due }, at: appointment.due }
        }
    }
  }

  /** Removes messages that are not in flight, and returns how many. */
  remove(numbers: ReadonlySet<number>): number {
    const isRemoved = ({ number }: { readonly number: number }): boolean => numbers.has(number)
    const removed = [...this.#ready.remove(isRemoved), ...this.#takeRetries(isRemoved)]
    for (const { message } of removed) this.#broker.usage.remove(message)
    return removed.length + this.#skip(isRemoved).length
  }

  /** Makes messages ready that are delayed or retrying, and returns how many. */
  runNow(numbers: ReadonlySet<number>): number {
    const isMeant = ({ number }: { readonly number: number }): boolean => numbers.has(number)
    const now = this.#broker.timetable.now()
    const retries = this.#takeRetries(isMeant)
    for (const entry of retries) this.#ready.add({ ...entry, since: now })
    const delayed = this.#skip(isMeant)
    for (const { message } of delayed) this.#hold(message, now)
    this.#schedule()
    return retries.length + delayed.length
  }

  attach(consumer: GroupConsumer): void {
    this.#consumers.add(consumer)
    this.#schedule()
  }

  /** An ephemeral group is deleted with its consumer. */
  detach(consumer: GroupConsumer): void {
    this.#consumers.delete(consumer)
    if (this.ephemeral) this.#broker.delete(this.ref)
  }

  /** Ends the run of an entry as its settlement says. */
  settle(entry: Entry, settlement: Settlement): void {
    this.#running -= 1
    this.#broker.activity += 1
    if (settlement.kind === 'release' && !this.ephemeral) {
      this.#ready.giveBack(entry)
    } else {
      this.#ready.finish(entry)
      if (settlement.kind === 'retry' && !this.ephemeral) this.#retry(entry, settlement)
      else this.#drop(entry, settlement)
    }
    this.#schedule()
  }

  /** Ends the run of an entry that its consumer has lost for good. */
  abandon(entry: Entry): void {
    this.#running -= 1
    this.#ready.finish(entry)
  }

  listDead(limit: number): readonly RawDeadLetter[] {
    return [...this.#dead.values()].slice(0, limit).map(shownLetter)
  }

  /** Lists a page of the dead letters. `after` is the number of the last one before. */
  pageDead({ limit, after }: { readonly limit: number; readonly after: number }): Page<RawDeadLetter> {
    const later = [...this.#dead.values()].filter(({ number }) => number > after).slice(0, limit + 1)
    const shown = later.slice(0, limit)
    const last = shown.at(-1)
    return { items: shown.map(shownLetter), ...(later.length > limit && last && { next: String(last.number) }) }
  }

  replay(entryIds: readonly string[] | undefined): number {
    const now = this.#broker.timetable.now()
    return this.#takeDead(entryIds, ({ message, failure }) => this.#hold(message, now, failureBeforeReplay(failure)))
  }

  purge(entryIds: readonly string[] | undefined): number {
    return this.#takeDead(entryIds, () => {})
  }

  /** Removes everything, also from the hands of consumers, which stay. Returns the number of messages lost, without dead letters. */
  clear(): number {
    const entries = [...this.#ready.clear(), ...this.#delayed.values()]
    for (const appointment of this.#delayed.keys()) appointment.cancelled = true
    for (const { message } of [...entries, ...this.#dead.values()]) this.#broker.usage.remove(message)
    this.#delayed.clear()
    this.#dead.clear()
    this.#skipped.clear()
    this.#paused = undefined
    let lost = entries.length
    for (const consumer of this.#consumers) {
      for (const entry of consumer.loseAll(new MqError('MQ_OWNERSHIP_LOST', 'The group was deleted'))) {
        this.#broker.usage.remove(entry.message)
        lost += 1
      }
    }
    return lost
  }

  /** Reports to every adapter that has a consumer here. */
  reportLoss(reason: string, count: number): void {
    for (const consumer of this.#consumers) consumer.report({ type: 'data-loss', ...this.ref, reason, count })
  }

  #hold(message: RawMessage, now: number, failure?: Failure): void {
    this.#broker.usage.add(message)
    const number = this.#broker.nextNumber()
    this.#ready.add({ message, attempt: 1, ...(failure && { failure }), number, since: now })
    this.#schedule()
  }

  #retry(entry: Entry, { delayMs, failure }: Settlement & { kind: 'retry' }): void {
    const { message, number } = entry
    const { timetable } = this.#broker
    const appointment = timetable.add(delayMs, () => {
      this.#delayed.delete(appointment)
      this.#ready.add(next)
      this.#schedule()
    })
    const next = { message, attempt: entry.attempt + 1, failure, number, since: appointment.due }
    this.#delayed.set(appointment, next)
  }

  #takeRetries(isTaken: (entry: Entry) => boolean): readonly Entry[] {
    const taken = [...this.#delayed].filter(([, entry]) => isTaken(entry))
    for (const [appointment] of taken) {
      appointment.cancelled = true
      this.#delayed.delete(appointment)
    }
    return taken.map(([, entry]) => entry)
  }

  /** Leaves delayed messages of the topic to the other groups. */
  #skip(isSkipped: (delayed: DelayedMessage) => boolean): readonly DelayedMessage[] {
    const delayed = [...this.#broker.delayedIn(this.ref.topic)]
    const skipped = delayed.filter((one) => isSkipped(one) && !this.#skipped.has(one))
    for (const one of skipped) this.#skipped.add(one)
    return skipped
  }

  #drop(entry: Entry, settlement: Settlement): void {
    if (settlement.kind === 'dead' && !this.ephemeral) this.#bury(entry.message, settlement.failure)
    else this.#broker.usage.remove(entry.message)
  }

  #bury(message: RawMessage, failure: Failure): void {
    const entryId = randomUUID()
    this.#dead.set(entryId, { entryId, message, failure, number: this.#broker.nextNumber() })
  }

  #takeDead(entryIds: readonly string[] | undefined, use: (entry: RawDeadLetter) => void): number {
    let taken = 0
    for (const entryId of new Set(entryIds ?? this.#dead.keys())) {
      const entry = this.#dead.get(entryId)
      if (entry === undefined) continue
      this.#dead.delete(entryId)
      this.#broker.usage.remove(entry.message)
      use(entry)
      taken += 1
    }
    return taken
  }

  #dropOldest(): void {
    const dropped = this.#ready.dropOldest()
    if (dropped === undefined) return
    this.#broker.usage.remove(dropped.message)
    this.reportLoss(`an ephemeral subscription fell ${maxEphemeralBacklog} messages behind`, 1)
  }

  #schedule(): void {
    if (this.#scheduled || !this.canStart) return
    this.#scheduled = true
    if (this.#startsLeft > 0) queueMicrotask(() => this.#dispatch())
    else
      setImmediate(() => {
        this.#startsLeft = startsPerTurn
        this.#dispatch()
      })
  }

  #dispatch(): void {
    this.#scheduled = false
    if (this.#paused !== undefined) return
    const ordered = [...this.#consumers].some((consumer) => consumer.ordered)
    const now = this.#broker.clock.monotonic()
    while (this.#startsLeft > 0) {
      const consumer = this.#freeConsumer()
      const entry = consumer === undefined ? undefined : this.#ready.take(ordered)
      if (consumer === undefined || entry === undefined) break
      this.#startsLeft -= 1
      this.#running += 1
      this.#broker.activity += 1
      this.#consumers.delete(consumer)
      this.#consumers.add(consumer)
      consumer.start(entry, now)
    }
    if (this.#startsLeft === 0) this.#schedule()
  }

  #freeConsumer(): GroupConsumer | undefined {
    for (const consumer of this.#consumers) if (consumer.hasFreeSlot) return consumer
    return undefined
  }
}

const shownLetter = ({ entryId, message, failure }: DeadEntry): RawDeadLetter => ({
  entryId,
  message: ownCopy(message),
  failure,
})

/** Copies the body: its bytes are shared by all groups, so code outside of the broker must not get hold of them. */
export const ownCopy = (message: RawMessage): RawMessage => ({ ...message, body: new Uint8Array(message.body) })

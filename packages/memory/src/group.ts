import { randomUUID } from 'node:crypto'
import {
  type Failure,
  type GroupRef,
  MqError,
  type RawDeadLetter,
  type RawMessage,
  type Settlement,
} from '@mq/core/adapter'
import type { Broker } from './broker.js'
import type { GroupConsumer } from './consumer.js'
import type { Entry } from './entry.js'
import { ReadyQueue } from './ready-queue.js'
import type { Appointment } from './timetable.js'

/** How many handlers start before timers and sockets get a turn, so that a backlog does not starve the rest of the process. */
const startsPerTurn = 128

/** How many messages wait for an ephemeral group before the oldest are dropped and reported: it must not fill the broker. */
const maxEphemeralBacklog = 10_000

/** The messages of one topic for one group of consumers. */
export class Group {
  readonly ref: GroupRef
  readonly ephemeral: boolean
  readonly #broker: Broker
  readonly #ready = new ReadyQueue()
  readonly #delayed = new Map<Appointment, Entry>()
  readonly #dead = new Map<string, RawDeadLetter>()
  /** In the order in which they are asked. The first is the one that has waited longest for a message. */
  readonly #consumers = new Set<GroupConsumer>()
  #running = 0
  #startsLeft = startsPerTurn
  #scheduled = false

  constructor(broker: Broker, ref: GroupRef, options: { readonly ephemeral: boolean }) {
    this.#broker = broker
    this.ref = ref
    this.ephemeral = options.ephemeral
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

  /** Takes in a message of the topic. */
  add(message: RawMessage): void {
    this.#hold({ message, attempt: 1 })
    if (this.ephemeral && this.#ready.length > maxEphemeralBacklog) this.#dropOldest()
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
    return [...this.#dead.values()].slice(0, limit).map((entry) => ({ ...entry, message: ownCopy(entry.message) }))
  }

  replay(entryIds: readonly string[] | undefined): number {
    return this.#takeDead(entryIds, ({ message }) => this.#hold({ message, attempt: 1 }))
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

  #hold(entry: Entry): void {
    this.#broker.usage.add(entry.message)
    this.#ready.add(entry)
    this.#schedule()
  }

  #retry(entry: Entry, { delayMs, failure }: Settlement & { kind: 'retry' }): void {
    const next = { message: entry.message, attempt: entry.attempt + 1, failure }
    const appointment = this.#broker.timetable.add(delayMs, () => {
      this.#delayed.delete(appointment)
      this.#ready.add(next)
      this.#schedule()
    })
    this.#delayed.set(appointment, next)
  }

  #drop(entry: Entry, settlement: Settlement): void {
    if (settlement.kind === 'dead' && !this.ephemeral) this.#bury(entry.message, settlement.failure)
    else this.#broker.usage.remove(entry.message)
  }

  #bury(message: RawMessage, failure: Failure): void {
    const entryId = randomUUID()
    this.#dead.set(entryId, { entryId, message, failure })
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
    if (this.#scheduled || this.#consumers.size === 0 || this.#ready.length === 0) return
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
    const ordered = [...this.#consumers].some((consumer) => consumer.ordered)
    while (this.#startsLeft > 0) {
      const consumer = this.#freeConsumer()
      const entry = consumer === undefined ? undefined : this.#ready.take(ordered)
      if (consumer === undefined || entry === undefined) break
      this.#startsLeft -= 1
      this.#running += 1
      this.#broker.activity += 1
      this.#consumers.delete(consumer)
      this.#consumers.add(consumer)
      consumer.start(entry)
    }
    if (this.#startsLeft === 0) this.#schedule()
  }

  #freeConsumer(): GroupConsumer | undefined {
    for (const consumer of this.#consumers) if (consumer.hasFreeSlot) return consumer
    return undefined
  }
}

/** Copies the body: its bytes are shared by all groups, so code outside of the broker must not get hold of them. */
export const ownCopy = (message: RawMessage): RawMessage => ({ ...message, body: new Uint8Array(message.body) })

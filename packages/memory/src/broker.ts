import type { Clock, GroupRef, OutgoingMessage, RawMessage, Routed, Settlement, StartFrom } from '@mq/core/adapter'
import { BoundedLog } from './bounded-log.js'
import { type Entry, Usage } from './entry.js'
import { Group } from './group.js'
import { PublishedIds } from './published-ids.js'
import { type Appointment, Timetable } from './timetable.js'

export interface BrokerOptions {
  readonly clock: Clock
  readonly maxMessages: number
  readonly maxBytes: number
  readonly retain: number
  readonly dedupeMs: number
}

/** One run of a handler, for tests to inspect. */
export interface HandledRecord {
  readonly ref: GroupRef
  readonly entry: Entry
  readonly settlement: Settlement
}

/** A message that was published with a delay which is not over yet. All groups that exist at its end get it. */
export interface DelayedMessage {
  readonly message: RawMessage
  readonly number: number
  readonly appointment: Appointment
}

interface Topic {
  readonly name: string
  readonly groups: Map<string, Group>
  /** The messages that a group gets if it starts with `earliest`. */
  readonly retained: BoundedLog<RawMessage>
  readonly published: PublishedIds
  readonly delayed: Set<DelayedMessage>
}

const retainedBytes = 16 * 1024 * 1024
const handledLimits = { items: 1_000, bytes: 16 * 1024 * 1024 }

/** Holds what several adapters may share: topics, groups and the time. */
export class Broker {
  readonly clock: Clock
  readonly timetable: Timetable
  readonly usage: Usage
  readonly handled = new BoundedLog<HandledRecord>(handledLimits)
  /** Counts runs that begin or end, so that a wait can see whether anything happens. */
  activity = 0
  readonly #options: BrokerOptions
  readonly #topics = new Map<string, Topic>()
  #connections = 0
  #numbers = 0

  constructor(options: BrokerOptions) {
    this.#options = options
    this.clock = options.clock
    this.timetable = new Timetable(options.clock)
    this.usage = new Usage(options)
  }

  /** Time passes for delayed messages only while an adapter is connected. */
  connect(): void {
    this.#connections += 1
    this.timetable.open = true
  }

  disconnect(): void {
    this.#connections -= 1
    this.timetable.open = this.#connections > 0
  }

  /** Returns undefined if there is no room. */
  publish(topicName: string, message: OutgoingMessage): Routed | undefined {
    const topic = this.#topic(topicName)
    const now = this.clock.monotonic()
    const before = topic.published.find(message.id, now)
    if (before !== undefined) return before
    if (this.usage.isFull) return undefined
    const { delayMs = 0, ...stored } = message
    const routed = delayMs > 0 ? this.#delay(topic, stored, delayMs) : this.#fanOut(topic, stored, now)
    if (routed !== 'no') topic.published.remember(message.id, routed, now)
    return routed
  }

  declare(ref: GroupRef, startFrom: StartFrom): void {
    const { groups, retained } = this.#topic(ref.topic)
    if (groups.has(ref.group)) return
    const group = new Group(this, ref, { ephemeral: false })
    groups.set(ref.group, group)
    if (startFrom !== 'earliest') return
    const now = this.clock.monotonic()
    for (const message of retained) group.add(message, now)
  }

  openEphemeral(ref: GroupRef): Group {
    const group = new Group(this, ref, { ephemeral: true })
    this.#topic(ref.topic).groups.set(ref.group, group)
    return group
  }

  /** Deletes a group with everything in it. If the group has consumers that do not stop, it stays for them, empty. */
  delete(ref: GroupRef): void {
    const { groups } = this.#topic(ref.topic)
    const group = groups.get(ref.group)
    if (group === undefined) return
    const lost = group.clear()
    if (group.isWanted && !group.ephemeral) group.reportLoss('the group was deleted under its consumers', lost)
    else groups.delete(ref.group)
  }

  find(ref: GroupRef): Group | undefined {
    return this.#topics.get(ref.topic)?.groups.get(ref.group)
  }

  nextNumber(): number {
    this.#numbers += 1
    return this.#numbers
  }

  delayedIn(topic: string): ReadonlySet<DelayedMessage> {
    return this.#topics.get(topic)?.delayed ?? new Set()
  }

  get topicNames(): readonly string[] {
    return [...this.#topics.keys()]
  }

  groupsOf(topic: string): readonly Group[] {
    return [...(this.#topics.get(topic)?.groups.values() ?? [])]
  }

  /** Lists the runs that have not ended. */
  get running(): readonly (GroupRef & { readonly id: string })[] {
    return this.#groups().flatMap(({ ref, running }) => running.map(({ message }) => ({ ...ref, id: message.id })))
  }

  /** True while something can go on without the time moving on. */
  get isBusy(): boolean {
    return this.#groups().some((group) => group.inFlight > 0 || group.canStart)
  }

  /** Says whether something will go on as time moves on, not counting messages that were published with a delay and match `except`. */
  isWaiting(except: (topic: string, message: RawMessage) => boolean): boolean {
    const isCounted = ({ name, delayed }: Topic): boolean => [...delayed].some(({ message }) => !except(name, message))
    const hasDelayed = [...this.#topics.values()].some(isCounted)
    return hasDelayed || this.#groups().some((group) => group.hasConsumers && group.delayed > 0)
  }

  #groups(): Group[] {
    return [...this.#topics.values()].flatMap((topic) => [...topic.groups.values()])
  }

  #topic(name: string): Topic {
    const found = this.#topics.get(name)
    if (found !== undefined) return found
    const topic: Topic = {
      name,
      groups: new Map(),
      retained: new BoundedLog({ items: this.#options.retain, bytes: retainedBytes }),
      published: new PublishedIds(this.#options.dedupeMs),
      delayed: new Set(),
    }
    this.#topics.set(name, topic)
    return topic
  }

  #fanOut(topic: Topic, message: RawMessage, now: number): Routed {
    topic.retained.add(message, message.body.byteLength)
    for (const group of topic.groups.values()) group.add(message, now)
    return topic.groups.size > 0 ? 'yes' : 'no'
  }

  /** The message goes to the groups that exist when its delay is over, so it is not known yet whether there is one. */
  #delay(topic: Topic, message: RawMessage, delayMs: number): Routed {
    this.usage.add(message)
    const appointment = this.timetable.add(delayMs, () => {
      topic.delayed.delete(delayed)
      this.usage.remove(message)
      topic.retained.add(message, message.body.byteLength)
      for (const group of topic.groups.values()) group.addDelayed(delayed, appointment.due)
    })
    const delayed = { message, number: this.nextNumber(), appointment }
    topic.delayed.add(delayed)
    return 'unknown'
  }
}

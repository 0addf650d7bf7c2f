import type { Clock, GroupRef, OutgoingMessage, RawMessage, Routed, Settlement, StartFrom } from '@mq/core/adapter'
import { isTickAhead } from '@mq/core/adapter'
import { BoundedLog } from './bounded-log.js'
import { type Entry, Usage } from './entry.js'
import { Group } from './group.js'
import { PublishedIds } from './published-ids.js'
import { Timetable } from './timetable.js'

export interface BrokerOptions {
  readonly clock: Clock
  readonly maxMessages: number
  readonly maxBytes: number
  readonly retain: number
  readonly dedupeMs: number
}

/** One run of a handler, for a test to look at. */
export interface HandledRecord {
  readonly ref: GroupRef
  readonly entry: Entry
  readonly settlement: Settlement
}

interface Topic {
  readonly groups: Map<string, Group>
  /** What a group that starts `earliest` gets. */
  readonly retained: BoundedLog<RawMessage>
  readonly published: PublishedIds
  delayed: number
  /** Of these, the next ticks of schedules: they never come to an end. */
  ahead: number
}

const retainedBytes = 16 * 1024 * 1024
const handledLimits = { items: 1_000, bytes: 16 * 1024 * 1024 }

/** What several adapters share: topics, groups and the time. */
export class Broker {
  readonly clock: Clock
  readonly timetable: Timetable
  readonly usage: Usage
  readonly handled = new BoundedLog<HandledRecord>(handledLimits)
  readonly #options: BrokerOptions
  readonly #topics = new Map<string, Topic>()
  #connections = 0

  constructor(options: BrokerOptions) {
    this.#options = options
    this.clock = options.clock
    this.timetable = new Timetable(options.clock)
    this.usage = new Usage(options)
  }

  /** Time passes for delayed messages only while somebody is connected. */
  connect(): void {
    this.#connections += 1
    this.timetable.open = true
  }

  disconnect(): void {
    this.#connections -= 1
    this.timetable.open = this.#connections > 0
  }

  /** Undefined when there is no room. */
  publish(topicName: string, message: OutgoingMessage): Routed | undefined {
    const topic = this.#topic(topicName)
    const now = this.clock.now()
    const before = topic.published.find(message.id, now)
    if (before !== undefined) return before
    if (this.usage.isFull) return undefined
    const { delayMs = 0, ...stored } = message
    const routed =
      delayMs > 0
        ? this.#delay(topic, stored, { delayMs, isAhead: isTickAhead(topicName, message.id) })
        : this.#fanOut(topic, stored)
    if (routed !== 'no') topic.published.remember(message.id, routed, now)
    return routed
  }

  declare(ref: GroupRef, startFrom: StartFrom): void {
    const { groups, retained } = this.#topic(ref.topic)
    if (groups.has(ref.group)) return
    const group = new Group(this, ref, { ephemeral: false })
    groups.set(ref.group, group)
    if (startFrom === 'earliest') for (const message of retained) group.add(message)
  }

  openEphemeral(ref: GroupRef): Group {
    const group = new Group(this, ref, { ephemeral: true })
    this.#topic(ref.topic).groups.set(ref.group, group)
    return group
  }

  /** A group that has consumers stays for them, empty. */
  delete(ref: GroupRef): void {
    const { groups } = this.#topic(ref.topic)
    const group = groups.get(ref.group)
    if (group === undefined) return
    const lost = group.clear()
    if (group.hasConsumers && !group.ephemeral) group.reportLoss('the group was deleted under its consumers', lost)
    else groups.delete(ref.group)
  }

  find(ref: GroupRef): Group | undefined {
    return this.#topics.get(ref.topic)?.groups.get(ref.group)
  }

  delayedOf(topic: string): number {
    return this.#topics.get(topic)?.delayed ?? 0
  }

  /** Something can go on without the time moving on. */
  get isBusy(): boolean {
    return this.#groups().some((group) => group.inFlight > 0 || (group.hasConsumers && group.ready > 0))
  }

  /** Something will go on as time moves on, but for the next ticks of schedules. */
  get isWaiting(): boolean {
    const delayed = [...this.#topics.values()].some((topic) => topic.delayed > topic.ahead)
    return delayed || this.#groups().some((group) => group.hasConsumers && group.delayed > 0)
  }

  #groups(): Group[] {
    return [...this.#topics.values()].flatMap((topic) => [...topic.groups.values()])
  }

  #topic(name: string): Topic {
    const found = this.#topics.get(name)
    if (found !== undefined) return found
    const retained = new BoundedLog<RawMessage>({ items: this.#options.retain, bytes: retainedBytes })
    const topic: Topic = {
      groups: new Map(),
      retained,
      published: new PublishedIds(this.#options.dedupeMs),
      delayed: 0,
      ahead: 0,
    }
    this.#topics.set(name, topic)
    return topic
  }

  #fanOut(topic: Topic, message: RawMessage): Routed {
    topic.retained.add(message, message.body.byteLength)
    for (const group of topic.groups.values()) group.add(message)
    return topic.groups.size > 0 ? 'yes' : 'no'
  }

  /** Which groups there will be when it is due, nobody knows. */
  #delay(topic: Topic, message: RawMessage, { delayMs, isAhead }: { delayMs: number; isAhead: boolean }): Routed {
    topic.delayed += 1
    if (isAhead) topic.ahead += 1
    this.usage.add(message)
    this.timetable.add(this.clock.now() + delayMs, () => {
      topic.delayed -= 1
      if (isAhead) topic.ahead -= 1
      this.usage.remove(message)
      this.#fanOut(topic, message)
    })
    return 'unknown'
  }
}

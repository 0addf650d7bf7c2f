import { unknownStats } from '../../../src/adapter.js'
import type { GroupInfo, GroupPause, GroupRef, MessageState, Page, QueueStats, TopicInfo } from '../../../src/index.js'
import { Agenda } from './agenda.js'
import { isForeign } from './foreign.js'
import type { Group } from './group.js'
import { groupsOf, pageOfEntries, pageOfNames, ranksOf, topicsOf, type WirePage } from './looking.js'
import type { Member } from './member.js'
import type { Faulty } from './mutation.js'
import { type ClientEnd, Network, type ServerEnd } from './network.js'
import { Refused } from './refused.js'
import { Session } from './session.js'
import { Topic } from './topic.js'
import type { WireOutcome, WirePublish, WireWaiting } from './wire.js'

const emptyStats: QueueStats = {
  ready: 0,
  inFlight: 0,
  delayed: 0,
  retrying: 0,
  dead: 0,
  oldestReadyMs: 0,
  oldestDeadMs: 0,
  paused: undefined,
}

/** A broker in this process that is only reached over connections. Its stored data survives its end and restart. */
export class Broker {
  readonly password: string
  readonly faulty: Faulty
  readonly network: Network
  readonly #agenda: Agenda
  readonly #topics = new Map<string, Topic>()
  readonly #sessions = new Set<Session>()
  #blocked = false
  #ended = 0
  /** Whether to carry out the next request and lose its connection before the answer. Happens once. */
  dropsNextAnswer = false

  constructor({ password, faulty }: { readonly password: string; readonly faulty: Faulty }) {
    this.password = password
    this.faulty = faulty
    this.network = new Network((end) => this.#accept(end))
    this.#agenda = new Agenda(() => this.#wake())
  }

  get connections(): number {
    return this.#sessions.size
  }

  get blocked(): boolean {
    return this.#blocked
  }

  connect(route: string | undefined): Promise<ClientEnd> {
    return (route === undefined ? this.network : this.network.route(route)).connect()
  }

  publish(topic: string, publish: WirePublish): WireOutcome {
    if (this.faulty('topicPrefixLeak')) this.#leak(topic, publish)
    return this.#topic(topic).publish(publish)
  }

  /** Returns whether an ephemeral consumer of the topic is busy. */
  isHeldUp(topic: string): boolean {
    return [...(this.#topics.get(topic)?.groups.values() ?? [])].some((group) => group.ephemeral && group.isBusy)
  }

  find({ topic, group }: GroupRef): Group | undefined {
    return this.#topics.get(topic)?.groups.get(group)
  }

  /** Creates a topic that other programs own. */
  createForeign(topic: string): void {
    this.#topic(topic)
  }

  /** The names of all topics and groups. */
  get names(): readonly string[] {
    const namesOf = ({ name, groups }: Topic): readonly string[] => [
      `topic ${name}`,
      ...[...groups.keys()].map((group) => `group ${name} ${group}`),
    ]
    const topics = [...this.#topics.values()]
    const all = topics.flatMap(({ notes }) => notes)
    const isKept = this.faulty('deletionLeavesNotes') || (this.faulty('notesPileUp') && all.length > 30)
    return [...topics.flatMap(namesOf), ...(isKept ? all : [])]
  }

  /** Counts an ephemeral group that has ended, and returns whether its fault keeps it. */
  keepsEnded(): boolean {
    this.#ended += 1
    return this.faulty('ephemeralsPileUp') && this.#ended > 30
  }

  declare({ topic, group }: GroupRef, startAt: Parameters<Topic['declare']>[1]): void {
    const isMissing = isForeign(topic) && !this.#topics.has(topic)
    if (isMissing && !this.faulty('foreignCreated')) throw new Refused('no-place')
    this.#topic(topic).declare(group, startAt)
  }

  openEphemeral({ topic, group }: GroupRef): Group {
    return this.#topic(topic).openEphemeral(group)
  }

  /** Returns whether it existed. */
  delete({ topic, group }: GroupRef): boolean {
    const found = this.#topics.get(topic)?.delete(group) ?? false
    if (isForeign(topic) && this.faulty('foreignDeleted')) this.#topics.delete(topic)
    return found
  }

  /** Replays entries of a group, or all of them. */
  replay({ topic, group }: GroupRef, entryIds: readonly string[] | undefined): number {
    const groups = this.#topics.get(topic)?.groups
    const one = groups?.get(group)
    if (entryIds === undefined && this.faulty('replayTakesOthers')) {
      for (const other of groups?.values() ?? []) if (other !== one) other.deadLetters.purge(undefined)
    }
    return one?.replay(entryIds) ?? 0
  }

  topics(page: WirePage): Page<TopicInfo> {
    return topicsOf(pageOfNames([...this.#topics.keys()], page, this.faulty))
  }

  groups(topic: string, page: WirePage): Page<GroupInfo> {
    const groups = this.#topics.get(topic)?.groups ?? new Map<string, Group>()
    const names = pageOfNames([...groups.keys()], page, this.faulty)
    return groupsOf(names, (name) => (groups.get(name) as Group).info)
  }

  waiting(ref: GroupRef, options: WirePage & { readonly state: MessageState }): Page<WireWaiting> {
    const group = this.find(ref)
    if (group === undefined) return { items: [] }
    const topic = this.#topics.get(ref.topic)
    const retries = this.faulty('retriesListedAsDelayed') ? group.entries('retrying') : []
    const entries =
      options.state === 'delayed' ? [...(topic?.delayedFor(group) ?? []), ...retries] : group.entries(options.state)
    const { serial } = group
    const shiftMs = Date.now() - this.#agenda.now()
    return pageOfEntries(entries, { ...options, ref, serial, shiftMs, faulty: this.faulty })
  }

  remove(ref: GroupRef, entryIds: readonly string[]): number {
    const group = this.find(ref)
    const topic = this.#topics.get(ref.topic)
    if (group === undefined || topic === undefined) return 0
    const ranks = ranksOf(group.serial, entryIds, this.faulty)
    const others = this.faulty('removesFromAll') ? [...topic.groups.values()].filter((one) => one !== group) : []
    if (this.faulty('removesLate')) return group.takeLate(ranks) + topic.skip(group, ranks).length
    const messages = group.take(ranks, { running: this.faulty('removesRunning') })
    for (const other of others) other.takeMessages(messages)
    const isKept = this.faulty('removesNothing')
    if (isKept) group.putBack(messages)
    return messages.length + topic.skip(group, ranks).length
  }

  runNow(ref: GroupRef, entryIds: readonly string[]): number {
    const group = this.find(ref)
    const topic = this.#topics.get(ref.topic)
    if (group === undefined || topic === undefined) return 0
    const ranks = ranksOf(group.serial, entryIds, this.faulty)
    const delayed = topic.skip(group, ranks, { keeps: this.faulty('runNowKeeps') })
    const groups = this.faulty('runNowInAll') ? [...topic.groups.values()] : [group]
    for (const message of delayed) for (const one of groups) one.add(message)
    return group.hurry(ranks) + delayed.length
  }

  pause(ref: GroupRef, mark: GroupPause, own: readonly Member[]): void {
    const group = this.find(ref)
    if (group === undefined && !this.faulty('pauseMissingAccepted')) throw new Refused('no-group')
    group?.pause(mark, own)
    if (!this.faulty('pauseHitsOthers')) return
    for (const other of this.#topics.get(ref.topic)?.groups.values() ?? []) other.pause(mark, own)
  }

  stats(ref: GroupRef): QueueStats {
    const found = this.find(ref)
    const delayed = found === undefined ? 0 : (this.#topics.get(ref.topic)?.delayedFor(found).length ?? 0)
    const group = found?.stats
    if (group === undefined && this.faulty('endedIsZero') && this.#topics.get(ref.topic)?.hadEphemeral(ref.group)) {
      return emptyStats
    }
    if (found !== undefined && group !== undefined) {
      const isUnknown = group.dead === 0 && this.faulty('statsZeroIsUnknown')
      return {
        ...group,
        dead: isUnknown ? undefined : group.dead,
        delayed: group.delayed + (this.faulty('statsForgetDelayed') ? 0 : delayed),
        ...found.ages,
      }
    }
    return this.faulty('statsUnknownIsZero') ? emptyStats : unknownStats
  }

  /** Blocks or unblocks publishes, which then wait. Everything else continues. */
  block(blocked: boolean): void {
    if (this.#blocked === blocked) return
    this.#blocked = blocked
    for (const session of [...this.#sessions]) session.blockedChanged()
  }

  /** Ends at once. Only stored data is left. */
  kill(): void {
    this.network.listening = false
    this.network.cut()
    for (const session of [...this.#sessions]) session.end()
    for (const topic of this.#topics.values()) topic.loseMemory()
  }

  restart(): void {
    this.network.listening = true
  }

  #accept(end: ServerEnd): void {
    const session = new Session(this, end, () => {
      this.#sessions.delete(session)
      this.#agenda.open = this.#sessions.size > 0
    })
    this.#sessions.add(session)
    this.#agenda.open = true
  }

  #wake(): void {
    const now = this.#agenda.now()
    for (const topic of this.#topics.values()) this.#agenda.at(topic.wake(now))
  }

  #leak(name: string, publish: WirePublish): void {
    for (const topic of this.#topics.values()) {
      if (topic.name !== name && name.startsWith(topic.name)) topic.publish(publish)
    }
  }

  #topic(name: string): Topic {
    const found = this.#topics.get(name) ?? new Topic(name, this.#agenda, this.faulty)
    this.#topics.set(name, found)
    return found
  }
}

import type { Routed, Source } from '../../../src/index.js'
import type { Agenda } from './agenda.js'
import { Group } from './group.js'
import { messageSize, type StartAt, type StoredMessage, type WireOutcome, type WirePublish } from './wire.js'

const retained = 1_000
export const maxStoredBytes = 1024 * 1024
export const dedupeMs = 60_000

interface Published {
  readonly until: number
  readonly outcome: WireOutcome
}

/** What was published under one name, and the groups that get it. */
export class Topic {
  readonly name: string
  readonly groups = new Map<string, Group>()
  readonly #agenda: Agenda
  /** For groups that start with earlier messages. */
  #log: StoredMessage[] = []
  #delayed: { readonly due: number; readonly publish: WirePublish }[] = []
  readonly #published = new Map<string, Published>()
  #nextPosition = 0

  constructor(name: string, agenda: Agenda) {
    this.name = name
    this.#agenda = agenda
  }

  get delayed(): number {
    return this.#delayed.length
  }

  publish(publish: WirePublish): WireOutcome {
    const { message, delayMs } = publish
    if (messageSize(message) > maxStoredBytes) return { status: 'rejected', text: 'The message is too large' }
    const { id } = message.attributes
    const now = this.#agenda.now()
    const before = id === undefined ? undefined : this.#published.get(id)
    if (before !== undefined && before.until > now) return before.outcome
    const routed = delayMs > 0 ? this.#delay(publish, now + delayMs) : this.#store(publish)
    const outcome = { status: 'stored', routed } as const
    if (id !== undefined) this.#published.set(id, { until: now + dedupeMs, outcome })
    return outcome
  }

  declare(group: string, startAt: StartAt): void {
    if (this.groups.has(group)) return
    const made = this.#add(group, { ephemeral: false })
    const start = { latest: this.#nextPosition, earliest: 0 }
    const first = typeof startAt === 'number' ? startAt : start[startAt]
    for (const message of this.#log) if (message.position >= first) made.add(message)
  }

  openEphemeral(group: string): Group {
    return this.#add(group, { ephemeral: true })
  }

  delete(name: string): void {
    const group = this.groups.get(name)
    this.groups.delete(name)
    group?.destroy(this.#nextPosition)
  }

  /** Publishes what is due; returns when something is due next, here or in a group. */
  wake(now: number): number {
    const due = this.#delayed.filter((one) => one.due <= now).sort((a, b) => a.due - b.due)
    this.#delayed = this.#delayed.filter((one) => one.due > now)
    for (const { publish } of due) this.#store(publish)
    return Math.min(
      ...this.#delayed.map((one) => one.due),
      ...[...this.groups.values()].map((group) => group.wake(now)),
    )
  }

  #add(group: string, options: { readonly ephemeral: boolean }): Group {
    const source: Source = { topic: this.name, group }
    const made = new Group(source, { ...options, agenda: this.#agenda })
    this.groups.set(group, made)
    return made
  }

  #store({ message }: WirePublish): Routed {
    const stored = { ...message, position: this.#nextPosition, takenAt: Date.now() }
    this.#nextPosition += 1
    this.#log.push(stored)
    if (this.#log.length > retained) this.#log.shift()
    for (const group of this.groups.values()) group.add(stored)
    return this.groups.size > 0 ? 'yes' : 'no'
  }

  /** Which groups there will be when it is due, nobody knows. */
  #delay(publish: WirePublish, due: number): Routed {
    this.#delayed.push({ due, publish })
    this.#agenda.at(due)
    return 'unknown'
  }
}

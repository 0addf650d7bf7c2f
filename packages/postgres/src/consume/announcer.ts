import type { Link } from '../connection/link.js'
import type { Settings } from '../options.js'
import { channelOf } from '../topology/names.js'
import type { Watch } from './watch.js'

/** A consumer that wants to know of new messages. */
export interface Listener {
  readonly topic: string
  /** The id of the topic. */
  readonly topicId: string
  wake(): void
}

/** `m 7` says that topic 7 has new messages, and `l 7` that something of it has to be looked at. */
const pattern = /^([ml]) (\d{1,19})$/

/** How many announcements one statement makes. */
const maxAnnouncements = 200

/**
 * Tells other processes of new messages, in statements of their own. A transaction that notifies holds a lock of the whole server until it
 * is on disk, so one that stores messages must not notify. See docs/decisions/0048-postgres-publishing.md.
 */
export class Announcer {
  readonly #channel: string
  readonly #link: Link
  readonly #watch: Watch
  readonly #listeners = new Set<Listener>()
  readonly #waiting = new Set<string>()
  /** Whether it hears its own announcements. */
  readonly #hears: boolean
  #isSending = false

  constructor({ schema, listen }: Settings, link: Link, watch: Watch) {
    this.#channel = channelOf(schema)
    this.#hears = listen
    this.#link = link
    this.#watch = watch
  }

  add(listener: Listener): void {
    this.#listeners.add(listener)
  }

  remove(listener: Listener): void {
    this.#listeners.delete(listener)
  }

  /**
   * Announces messages that are ready. The consumers of this process hear of it like all others, because with a head start they would leave
   * them nothing.
   */
  messages(topicId: string): void {
    if (!this.#hears) this.#wake(topicId)
    this.#announce(`m ${topicId}`)
  }

  /** Announces that a delayed message, a pause or the end of a group has to be looked at. */
  changes(topicId: string): void {
    this.#lookIfListening(topicId)
    this.#announce(`l ${topicId}`)
  }

  /** Takes an announcement of another process, or one of its own. */
  heard(payload: string): void {
    const [, kind, topicId] = pattern.exec(payload) ?? []
    if (topicId === undefined) return
    if (kind === 'm') this.#wake(topicId)
    else this.#lookIfListening(topicId)
  }

  #wake(topicId: string): void {
    for (const listener of this.#listeners) if (listener.topicId === topicId) listener.wake()
  }

  #lookIfListening(topicId: string): void {
    const isListening = [...this.#listeners].some((listener) => listener.topicId === topicId)
    if (isListening) this.#watch.lookWithin(0)
  }

  #announce(payload: string): void {
    this.#waiting.add(payload)
    if (!this.#isSending) void this.#send()
  }

  /** Sends the announcements. If it fails, others find the messages by their next look. */
  async #send(): Promise<void> {
    this.#isSending = true
    while (this.#waiting.size > 0 && this.#link.isUp) {
      const some = [...this.#waiting].slice(0, maxAnnouncements)
      for (const payload of some) this.#waiting.delete(payload)
      const text = 'SELECT pg_notify($1, p) FROM unnest($2::text[]) AS p'
      await this.#link.query(text, [this.#channel, some]).catch(() => {})
    }
    this.#waiting.clear()
    this.#isSending = false
  }
}

import { setImmediate as immediate } from 'node:timers/promises'
import type { Link } from '../connection/link.js'
import type { Argument, Script } from '../connection/script.js'
import type { Settings } from '../options.js'
import { nothingReceived, type Received, receivedEntries, receivedRows } from '../wire/entry.js'
import type { GroupPlace } from '../wire/keys.js'
import { claimScript, recoverScript } from '../wire/scripts/claim.js'
import { takeOrderedScript, takeScript } from '../wire/scripts/take.js'
import { EntryWait } from './entry-wait.js'
import { createPortions } from './portions.js'
import type { Runs } from './runs.js'

export interface IntakeParts {
  readonly settings: Settings
  readonly place: GroupPlace
  /** The name of the consumer at the broker. */
  readonly name: string
  /** The consumer's own connection, for commands that block. */
  readonly link: Link
  readonly commands: Link
  readonly runs: Runs
  readonly ordered: boolean
}

interface Answer {
  readonly reply: readonly unknown[]
  readonly claimedAt: number
}

/** The beginning of the pending lists of both streams. */
const beginnings: readonly string[] = ['-', '-']

/**
 * Gets messages for a consumer in several ways, one after the other. Nothing else reads for this consumer. After a lost answer its
 * pending list therefore shows which messages it owns without knowing it.
 *
 * An ordered consumer blocks only to learn that there are new entries, and is woken when one of its own keys is free again. A script
 * decides which messages it gets, in one step with the order of the keys.
 */
// See docs/decisions/0040-redis-one-reader.md.
export class Intake {
  readonly #parts: IntakeParts
  /** The connection for scripts. The own connection of an ordered consumer may still be blocked by a read. */
  readonly #scripts: Link
  /** Only an ordered consumer has one. */
  readonly #entries: EntryWait | undefined
  readonly #portions = createPortions()
  #generation = -1
  #recoverAt = 0
  #claimAt = 0
  #takeAt = 0
  #cursors = beginnings
  #streamEnd = '0-0'

  constructor(parts: IntakeParts) {
    this.#parts = parts
    this.#scripts = parts.ordered ? parts.commands : parts.link
    this.#entries = parts.ordered ? new EntryWait(parts.link, parts.place.keys.stream) : undefined
  }

  /** Names and does the next thing that is due, for as many messages as there is room for. Rejects with a `CommandError`. */
  async next(doing: (what: string) => void): Promise<Received> {
    const { runs } = this.#parts
    // Handlers that end in this turn of the event loop make room together, so that one read fills it.
    if (runs.size > 0) await immediate()
    const received = await this.#receive(this.#portions.next(runs.free), doing)
    this.#portions.learn(received.owned)
    return received
  }

  /** Looks for messages of a lost answer before anything else. */
  recheckPending(): void {
    this.#recoverAt = 0
  }

  /** Takes messages after this delay at the latest, because one falls due sooner than was known, or a key is free again. */
  takeWithin(delayMs: number): void {
    this.#takeAt = Math.min(this.#takeAt, performance.now() + delayMs)
    this.#entries?.wake()
  }

  async #receive(room: number, doing: (what: string) => void): Promise<Received> {
    const { pollMs, visibilityMs } = this.#parts.settings
    const now = performance.now()
    if (this.#generation !== this.#scripts.generation) {
      this.#generation = this.#scripts.generation
      this.#recoverAt = 0
    }
    if (now >= this.#recoverAt) {
      doing('recovering')
      const recovered = await this.#recover(room)
      if (recovered.owned.length === room) return recovered
      // Looks once more when the broker must have noticed the loss too. Until then it may deliver to a read of the lost connection.
      this.#recoverAt = this.#recoverAt === 0 ? now + pollMs + visibilityMs / 10 : Number.POSITIVE_INFINITY
      return recovered
    }
    if (now >= this.#claimAt) {
      doing('claiming')
      const claimed = await this.#claim(room)
      if (claimed.owned.length < room && this.#cursors === beginnings) this.#claimAt = now + visibilityMs / 3
      return claimed
    }
    const isDue = now >= this.#takeAt
    doing(isDue ? 'taking' : 'reading')
    return isDue ? await this.#take(room) : await this.#read(room)
  }

  async #recover(room: number): Promise<Received> {
    const { place, runs } = this.#parts
    const { stream, retry } = place.keys
    const { reply, claimedAt } = await this.#run(recoverScript, [stream, retry], [room, ...runs.fullIds])
    return receivedRows(reply, place.topic, claimedAt, place.form)
  }

  async #claim(room: number): Promise<Received> {
    const { place, settings, ordered } = this.#parts
    const { stream, retry, lanes, waiting } = place.keys
    const args = [room, settings.visibilityMs, ordered ? 1 : 0, ...this.#cursors]
    const { reply, claimedAt } = await this.#run(claimScript, [stream, retry, lanes, waiting], args)
    // A stream that was seen to its end waits there until the other one was, too.
    const cursors = reply.slice(0, 2).map((cursor) => (String(cursor) === '-' ? '+' : String(cursor)))
    this.#cursors = cursors.every((cursor) => cursor === '+') ? beginnings : cursors
    return receivedRows(reply.slice(2), place.topic, claimedAt, place.form)
  }

  async #take(room: number): Promise<Received> {
    const { place, ordered, settings } = this.#parts
    const { stream, retry, due, dueData, delayed, delayedData, lanes, waiting, open } = place.keys
    const keys = [stream, retry, due, dueData, delayed, delayedData]
    const { reply, claimedAt } = ordered
      ? await this.#run(takeOrderedScript, [...keys, lanes, waiting, open], [room])
      : await this.#run(takeScript, keys, [room])
    const waitMs = Number(reply[0])
    this.#takeAt = claimedAt + (waitMs < 0 ? settings.pollMs : Math.min(waitMs, settings.pollMs))
    if (ordered) this.#streamEnd = String(reply[2])
    const received = receivedRows(reply.slice(ordered ? 3 : 2), place.topic, claimedAt, place.form)
    if (received.owned.length >= room) this.#takeAt = claimedAt
    return { ...received, emptied: Number(reply[1]) }
  }

  /** Blocks until something else is due, and never for long, because a stop waits for it. */
  async #read(room: number): Promise<Received> {
    const { place, settings, name, link } = this.#parts
    const claimedAt = performance.now()
    const blockMs = Math.max(1, Math.min(settings.pollMs, Math.ceil(this.#takeAt - claimedAt)))
    if (this.#entries !== undefined) {
      if (await this.#entries.entriesAfter(this.#streamEnd, blockMs)) this.#takeAt = 0
      return nothingReceived
    }
    const group = ['GROUP', place.consumerGroup, name, 'COUNT', room, 'BLOCK', blockMs]
    const reply = await link.send('XREADGROUP', [...group, 'STREAMS', place.keys.stream, '>'])
    return receivedEntries(reply, place.topic, claimedAt, place.form)
  }

  async #run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<Answer> {
    const { place, name } = this.#parts
    const claimedAt = performance.now()
    const reply = (await this.#scripts.run(script, keys, [place.consumerGroup, name, ...args])) as readonly unknown[]
    return { reply, claimedAt }
  }
}

import { setImmediate as immediate } from 'node:timers/promises'
import type { Link } from '../connection/link.js'
import { presencePrefix } from '../connection/presence.js'
import type { Argument, Script } from '../connection/script.js'
import { Waiters } from '../connection/waiters.js'
import type { Settings } from '../options.js'
import { nothingReceived, type Received, receivedEntries, receivedRows } from '../wire/entry.js'
import type { GroupPlace } from '../wire/keys.js'
import { claimScript, recoverScript } from '../wire/scripts/claim.js'
import { takeOrderedScript, takeScript } from '../wire/scripts/take.js'
import type { Runs } from './runs.js'
import type { Common } from './shared/common.js'
import type { Loan } from './shared/loans.js'
import type { Found, Rester } from './shared/look.js'
import type { Portions } from './shared/portions.js'
import type { KeyWatch } from './shared/watch.js'
import type { GroupUpkeep } from './upkeep.js'

export interface IntakeParts {
  readonly settings: Settings
  readonly place: GroupPlace
  /** The name of the consumer at the broker. */
  readonly name: string
  readonly common: Common
  readonly portions: Portions
  readonly runs: Runs
  readonly ordered: boolean
  readonly upkeep: Pick<GroupUpkeep, 'restUntil' | 'noteLanes'>
}

interface Answer {
  readonly reply: readonly unknown[]
  readonly claimedAt: number
}

/** The beginning of the pending lists of both streams. */
const beginnings: readonly string[] = ['-', '-']

/** A consumer at rest shows from time to time that it is there. */
const maxRestMs = 5_000
/** How often a consumer that never rests looks for claims of processes that are gone. */
const claimEveryMs = 1_000
/** How often a consumer that never rests takes, even if the broker reports all changes. */
const takeEveryMs = 1_000

/**
 * Gets messages for a consumer in several ways, one after the other. Nothing else reads for this consumer. After a lost answer its
 * pending list therefore shows which messages it owns without knowing it.
 *
 * All consumers of a process share one connection, on which no command blocks. One that has found nothing rests until a key that it
 * watches has changed at the broker. It makes sure of being woken before it looks for the last time, so that nothing comes unnoticed in
 * between. One that is often woken borrows a connection. Instead of resting, it then waits in a read that blocks.
 *
 * A script decides which messages an ordered consumer gets, in one step with the order of the keys.
 */
// See docs/decisions/0040-redis-one-reader.md and docs/decisions/0043-redis-rest.md.
export class Intake implements Rester {
  readonly place: GroupPlace
  readonly #parts: IntakeParts
  readonly #link: Link
  readonly #resting = new Waiters()
  /** The keys that say whether there is something to take. */
  readonly #takes: KeyWatch
  /** The key that says whether there is something to read. An ordered consumer takes everything. */
  readonly #reads: KeyWatch
  #generation = -1
  #recoverAt = 0
  #claimAt = 0
  /** When all claims were last looked through. */
  #claimedAt = 0
  #takeAt = 0
  #takenAt = 0
  /** When a consumer that never rests takes at the latest. */
  #pollAt = 0
  #cursors = beginnings
  /** How often the keys had changed when nothing was left, or a negative number if something may be left. */
  #taken = -1
  #read = -1
  #wasFull = false
  #isResting = false
  #loan: Loan | undefined

  constructor(parts: IntakeParts) {
    const { common, place, ordered } = parts
    const { stream, due, delayed, deleted, open } = place.keys
    this.place = place
    this.#parts = parts
    this.#link = common.link
    const onChange = (): void => this.#resting.wake()
    this.#takes = common.watch.add(ordered ? [stream, due, delayed, deleted, open] : [due, delayed, deleted], onChange)
    this.#reads = common.watch.add([stream], onChange)
    common.look.add(this)
  }

  get isResting(): boolean {
    return this.#isResting
  }

  /** Does the next thing that is due, for as many messages as there is room for. Rejects with a `CommandError`. */
  async next(steps: string[]): Promise<Received> {
    const { runs, portions, common } = this.#parts
    // Handlers that end in this turn of the event loop make room together, so that one read fills it.
    if (runs.size > 0) await immediate()
    if (this.#loan?.isOver) this.#loan = undefined
    const room = portions.next(runs.free)
    let received: Received
    if (!this.#mayRest()) {
      received = await common.answers.use(portions.bytes(room), () => this.#receive(room, steps))
    } else if (this.#loan?.isReady) {
      steps.push('reading')
      received = await this.#awaitNew(this.#loan, room)
    } else {
      await this.#rest()
      return nothingReceived
    }
    portions.learn(received.owned)
    if (received.owned.length > 0) {
      this.#takes.noteFound()
      this.#reads.noteFound()
    }
    return received
  }

  /** Looks for messages of a lost answer before anything else. */
  recheckPending(): void {
    this.#recoverAt = 0
    this.#forgetRest()
  }

  /** Takes messages after this delay at the latest, because one falls due sooner than was known, or a key is free again. */
  takeWithin(delayMs: number): void {
    this.#takeAt = Math.min(this.#takeAt, performance.now() + delayMs)
    this.#resting.wake()
  }

  onFound(what: Found): void {
    if (what === 'lanes' && !this.#parts.ordered) return
    if (what === 'lanes') this.#parts.upkeep.noteLanes()
    if (what === 'claims') this.#claimAt = 0
    this.#forgetRest()
    this.#resting.wake()
  }

  wake(): void {
    this.#resting.wake()
  }

  close(): void {
    const { look, watch } = this.#parts.common
    look.remove(this)
    watch.remove(this.#takes)
    watch.remove(this.#reads)
    this.#loan?.end()
  }

  #forgetRest(): void {
    this.#taken = -1
    this.#read = -1
  }

  #mayRest(): boolean {
    return (
      this.#taken === this.#takes.changes &&
      // A read that blocks finds what is new by itself.
      (this.#parts.ordered || this.#loan?.isReady || this.#read === this.#reads.changes) &&
      this.#generation === this.#link.generation &&
      performance.now() < this.#restEnd()
    )
  }

  #restEnd(): number {
    const { settings, upkeep } = this.#parts
    const others = Math.min(this.#recoverAt, this.#takeAt, upkeep.restUntil)
    if (this.#loan?.isReady) return Math.min(this.#claimAt, this.#pollAt, others)
    // The look of the process takes the place of the poll for those at rest, and finds the claims that are free, but looks at few.
    return Math.min(this.#claimedAt + settings.visibilityMs / 3, others)
  }

  async #rest(): Promise<void> {
    this.#isResting = true
    await this.#resting.wait(Math.min(maxRestMs, Math.max(1, Math.ceil(this.#restEnd() - performance.now()))))
    this.#isResting = false
  }

  async #receive(room: number, steps: string[]): Promise<Received> {
    const { pollMs, visibilityMs } = this.#parts.settings
    const now = performance.now()
    if (this.#generation !== this.#link.generation) {
      this.#generation = this.#link.generation
      this.#recoverAt = 0
    }
    if (now >= this.#recoverAt) {
      steps.push('recovering')
      const recovered = await this.#recover(room)
      if (recovered.owned.length === room) return recovered
      // Looks once more when the broker must have noticed the loss too. Until then it may deliver to a read of the lost connection.
      this.#recoverAt = this.#recoverAt === 0 ? now + pollMs + visibilityMs / 10 : Number.POSITIVE_INFINITY
      return recovered
    }
    if (now >= this.#claimAt) {
      steps.push('claiming')
      const claimed = await this.#claim(room)
      if (claimed.owned.length < room && this.#cursors === beginnings) {
        this.#claimedAt = now
        this.#claimAt = now + Math.min(visibilityMs / 3, claimEveryMs)
      }
      return claimed
    }
    // Only the script keeps the order of the keys.
    const isDue =
      this.#parts.ordered || now >= Math.min(this.#takeAt, this.#pollAt) || this.#taken !== this.#takes.changes
    steps.push(isDue ? 'taking' : 'reading')
    return isDue ? await this.#take(room) : await this.#readNew(room)
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
    const presence = presencePrefix(settings.prefix)
    const args = [room, settings.visibilityMs, ordered ? 1 : 0, presence, ...this.#cursors]
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
    const before = this.#takes.arm()
    const { reply, claimedAt } = ordered
      ? await this.#run(takeOrderedScript, [...keys, lanes, waiting, open], [room])
      : await this.#run(takeScript, keys, [room])
    const waitMs = Number(reply[0])
    this.#takeAt = waitMs < 0 ? Number.POSITIVE_INFINITY : claimedAt + waitMs
    // A read comes first, however long it has to wait for its turn.
    this.#pollAt = Number.POSITIVE_INFINITY
    this.#takenAt = claimedAt
    this.#taken = before
    // Messages that wait for others of their key leave no room for more, and nothing says when that changes.
    if (ordered && Number(reply[2]) === 0) this.#takeAt = Math.min(this.#takeAt, claimedAt + settings.pollMs)
    const received = receivedRows(reply.slice(ordered ? 3 : 2), place.topic, claimedAt, place.form)
    if (received.owned.length >= room) this.#takeAt = claimedAt
    return { ...received, emptied: Number(reply[1]) }
  }

  async #readNew(room: number): Promise<Received> {
    const { common } = this.#parts
    // While there is a backlog, nobody has to be woken.
    const before = this.#wasFull ? -1 : this.#reads.arm()
    const received = await this.#readGroup(room, (args) => this.#link.send('XREADGROUP', args))
    this.#wasFull = received.owned.length >= room
    this.#read = this.#wasFull ? -1 : before
    if (this.#reads.isBusy) this.#loan ??= common.lender.lend()
    return received
  }

  /** Waits for a moment until there is something new. */
  #awaitNew(loan: Loan, room: number): Promise<Received> {
    return this.#readGroup(room, (args) => loan.read('XREADGROUP', args, this.#restEnd()))
  }

  async #readGroup(room: number, send: (args: readonly Argument[]) => Promise<unknown>): Promise<Received> {
    const { place, name, settings } = this.#parts
    const claimedAt = performance.now()
    const group = ['GROUP', place.consumerGroup, name, 'COUNT', room]
    const reply = await send([...group, 'STREAMS', place.keys.stream, '>'])
    const received = receivedEntries(reply, place.topic, claimedAt, place.form)
    this.#pollAt = this.#takenAt + (this.#takes.isArmed ? takeEveryMs : settings.pollMs)
    return received
  }

  async #run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<Answer> {
    const { place, name } = this.#parts
    const claimedAt = performance.now()
    const reply = (await this.#link.run(script, keys, [place.consumerGroup, name, ...args])) as readonly unknown[]
    return { reply, claimedAt }
  }
}

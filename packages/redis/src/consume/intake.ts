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
import type { Gate } from './gate.js'
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
  readonly gate: Gate
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
/** The answer of a script, in place of a time, if the group is paused. */
const isPausedNow = -2
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
  /** The key that says whether the group is paused. */
  readonly #pauses: KeyWatch
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
    const { stream, due, delayed, deleted, open, paused } = place.keys
    this.place = place
    this.#parts = parts
    this.#link = common.link
    const onChange = (): void => this.#resting.wake()
    const taken = [due, delayed, deleted, paused]
    this.#takes = common.watch.add(ordered ? [stream, open, ...taken] : taken, onChange)
    this.#reads = common.watch.add([stream], onChange)
    this.#pauses = common.watch.add([paused], () => this.#onMark())
    common.look.add(this)
  }

  get isResting(): boolean {
    return this.#isResting
  }

  get isPaused(): boolean {
    return this.#parts.gate.paused !== undefined
  }

  /** Does the next thing that is due, for as many messages as there is room for. Rejects with a `CommandError`. */
  async next(steps: string[]): Promise<Received> {
    const { runs, portions, common } = this.#parts
    // Handlers that end in this turn of the event loop make room together, so that one read fills it.
    if (runs.size > 0) await immediate()
    if (this.#loan?.isOver) this.#loan = undefined
    const room = portions.next(runs.free)
    let received: Received
    let tookMs: number | undefined
    if (!this.#mayRest()) {
      received = await common.answers.use(portions.bytes(room), async () => {
        const askedAt = performance.now()
        const answer = await this.#receive(room, steps)
        tookMs = performance.now() - askedAt
        return answer
      })
    } else if (this.#loan?.isReady && this.#parts.gate.isOpen) {
      steps.push('reading')
      received = await this.#awaitNew(this.#loan, room)
    } else {
      await this.#rest()
      return nothingReceived
    }
    portions.learn(received.owned, tookMs)
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

  /** Finds out whether the group is paused. A consumer whose handlers are all busy has no round in which it would notice. */
  onPause(): void {
    const { gate, runs } = this.#parts
    gate.forget()
    this.#resting.wake()
    if (runs.free > 0) return
    this.#pauses.arm()
    gate.ask().catch(() => {})
  }

  wake(): void {
    this.#resting.wake()
  }

  close(): void {
    const { look, watch } = this.#parts.common
    look.remove(this)
    watch.remove(this.#takes)
    watch.remove(this.#reads)
    watch.remove(this.#pauses)
    this.#loan?.end()
  }

  /** A consumer that takes messages learns of a pause by its next take, because it watches the same key for that. */
  #onMark(): void {
    if (this.isPaused || this.#parts.runs.free <= 0) this.onPause()
  }

  #forgetRest(): void {
    this.#taken = -1
    this.#read = -1
  }

  #mayRest(): boolean {
    const { gate } = this.#parts
    if (!gate.isKnown) return false
    if (this.isPaused) return this.#generation === this.#link.generation && performance.now() < this.#restEnd()
    const isWaiting = this.#loan?.isReady && gate.isOpen
    return (
      this.#taken === this.#takes.changes &&
      // A read that blocks finds what is new by itself.
      (this.#parts.ordered || isWaiting || this.#read === this.#reads.changes) &&
      this.#generation === this.#link.generation &&
      performance.now() < this.#restEnd()
    )
  }

  #restEnd(): number {
    const { settings, upkeep } = this.#parts
    if (this.isPaused) return Math.min(this.#recoverAt, upkeep.restUntil)
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
    const { gate, settings } = this.#parts
    const { pollMs, visibilityMs } = settings
    const now = performance.now()
    if (this.#generation !== this.#link.generation) {
      this.#generation = this.#link.generation
      this.#recoverAt = 0
      gate.forget()
    }
    if (!gate.isKnown) {
      steps.push('asking whether the group is paused')
      this.#pauses.arm()
      await gate.ask()
    }
    if (now >= this.#recoverAt) {
      steps.push('recovering')
      const recovered = await this.#recover(room)
      if (recovered.owned.length === room) return recovered
      // Looks once more when the broker must have noticed the loss too. Until then it may deliver to a read of the lost connection.
      this.#recoverAt = this.#recoverAt === 0 ? now + pollMs + visibilityMs / 10 : Number.POSITIVE_INFINITY
      return recovered
    }
    if (this.isPaused) {
      this.#forgetRest()
      return nothingReceived
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
    const { stream, retry, lanes, waiting, started } = place.keys
    const presence = presencePrefix(settings.prefix)
    const args = [room, settings.visibilityMs, ordered ? 1 : 0, presence, ...this.#cursors]
    const { reply, claimedAt } = await this.#run(claimScript, [stream, retry, lanes, waiting, started], args)
    // A stream that was seen to its end waits there until the other one was, too.
    const cursors = reply.slice(0, 2).map((cursor) => (String(cursor) === '-' ? '+' : String(cursor)))
    this.#cursors = cursors.every((cursor) => cursor === '+') ? beginnings : cursors
    return receivedRows(reply.slice(2), place.topic, claimedAt, place.form)
  }

  async #take(room: number): Promise<Received> {
    const { place, gate, ordered, settings } = this.#parts
    const { stream, retry, due, dueData, delayed, delayedData, paused, skipped, lanes, waiting, open } = place.keys
    const keys = [stream, retry, due, dueData, delayed, delayedData, paused, skipped, place.keys.gate]
    const before = this.#takes.arm()
    const { reply, claimedAt } = ordered
      ? await this.#run(takeOrderedScript, [...keys, lanes, waiting, open], [room])
      : await this.#run(takeScript, keys, [room])
    const waitMs = Number(reply[0])
    if (waitMs === isPausedNow) {
      gate.notePaused(reply[1])
      return nothingReceived
    }
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
    const { common, gate } = this.#parts
    // While there is a backlog, nobody has to be woken.
    const before = this.#wasFull ? -1 : this.#reads.arm()
    const { received, isFull } = gate.isOpen
      ? await this.#readPlain(room, (args) => this.#link.send('XREADGROUP', args))
      : await this.#readSkipping(room)
    this.#wasFull = isFull
    this.#read = isFull || !gate.isKnown ? -1 : before
    if (this.#reads.isBusy) this.#loan ??= common.lender.lend()
    return received
  }

  /** Waits for a moment until there is something new. */
  async #awaitNew(loan: Loan, room: number): Promise<Received> {
    const { received } = await this.#readPlain(room, (args) => loan.read('XREADGROUP', args, this.#restEnd()))
    if (!this.#parts.gate.isKnown) this.#read = -1
    return received
  }

  async #readPlain(room: number, send: (args: readonly Argument[]) => Promise<unknown>) {
    const { place, name, gate, settings } = this.#parts
    const claimedAt = performance.now()
    const group = ['GROUP', place.consumerGroup, name, 'COUNT', room]
    let reply: unknown = null
    try {
      reply = await send([...group, 'STREAMS', place.keys.stream, place.keys.gate, '>', '>'])
    } catch (error) {
      gate.onRefused(error)
    }
    const received = receivedEntries(reply, place.topic, claimedAt, place.form)
    this.#pollAt = this.#takenAt + (this.#takes.isArmed ? takeEveryMs : settings.pollMs)
    return { received, isFull: received.owned.length >= room }
  }

  async #readSkipping(room: number) {
    const { place, name, gate } = this.#parts
    const claimedAt = performance.now()
    const { rows, isFull } = await gate.readSkipping(name, room)
    return { received: receivedRows(rows, place.topic, claimedAt, place.form), isFull }
  }

  async #run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<Answer> {
    const { place, name } = this.#parts
    const claimedAt = performance.now()
    const reply = (await this.#link.run(script, keys, [place.consumerGroup, name, ...args])) as readonly unknown[]
    return { reply, claimedAt }
  }
}

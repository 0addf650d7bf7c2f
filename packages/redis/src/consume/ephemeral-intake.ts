import type { Argument } from '../connection/script.js'
import { Waiters } from '../connection/waiters.js'
import type { Settings } from '../options.js'
import { entriesOf, type RawEntry } from '../wire/entry.js'
import type { GroupPlace } from '../wire/keys.js'
import { takeScript } from '../wire/scripts/take.js'
import type { trackPosition } from './position.js'
import type { OnLoss } from './running-consumer.js'
import type { Runs } from './runs.js'
import type { Common } from './shared/common.js'
import type { Loan } from './shared/loans.js'
import type { Rester } from './shared/look.js'
import type { Portions } from './shared/portions.js'
import type { KeyWatch } from './shared/watch.js'

export interface EphemeralIntakeParts {
  readonly settings: Settings
  readonly place: GroupPlace
  readonly common: Common
  readonly portions: Portions
  readonly runs: Runs
  readonly position: ReturnType<typeof trackPosition>
  readonly onLoss: OnLoss
}

/** A consumer at rest shows from time to time that it is there. */
const maxRestMs = 5_000
const takeEveryMs = 1_000
const checkEveryMs = 1_000

/** Reads the topic's stream for an ephemeral subscription, and moves delayed messages of the topic. Rests as a group's intake does. */
export class EphemeralIntake implements Rester {
  readonly place: GroupPlace
  readonly #parts: EphemeralIntakeParts
  readonly #resting = new Waiters()
  readonly #takes: KeyWatch
  readonly #reads: KeyWatch
  #generation = -1
  #takeAt = 0
  #takenAt = 0
  #pollAt = 0
  #checkAt = 0
  #taken = -1
  #read = -1
  #hasRead = false
  #isResting = false
  #loan: Loan | undefined

  constructor(parts: EphemeralIntakeParts) {
    const { common, place } = parts
    const onChange = (): void => this.#resting.wake()
    this.place = place
    this.#parts = parts
    this.#takes = common.watch.add([place.keys.delayed], onChange)
    this.#reads = common.watch.add([place.keys.stream], onChange)
    common.look.add(this)
  }

  get isResting(): boolean {
    return this.#isResting
  }

  get lastId(): string {
    return this.#parts.position.lastId
  }

  /** Rejects with a `CommandError`. */
  async next(steps: string[]): Promise<readonly RawEntry[]> {
    const { common, portions, runs } = this.#parts
    const now = performance.now()
    if (this.#generation !== common.link.generation) {
      this.#generation = common.link.generation
      this.recheck()
    }
    if (now >= Math.min(this.#takeAt, this.#pollAt) || this.#taken !== this.#takes.changes) {
      steps.push('taking')
      await this.#take()
    }
    if (this.#loan?.isOver) this.#loan = undefined
    if (this.#loan?.isReady) return await this.#awaitNew(this.#loan, steps)
    if (this.#read === this.#reads.changes) {
      if (this.#hasRead && now >= this.#checkAt) return await this.#check(steps)
      await this.#rest()
      return []
    }
    steps.push('reading')
    const count = portions.next(runs.free)
    return await common.answers.use(portions.bytes(count), () => this.#readNew(count))
  }

  /** Looks for losses before anything else. */
  recheck(): void {
    this.#checkAt = 0
    this.#hasRead = true
    this.#taken = -1
    this.#read = -1
  }

  onFound(): void {
    this.recheck()
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

  /** Moves delayed messages of the topic, even if it has only ephemeral subscriptions. */
  async #take(): Promise<void> {
    const { common, place, onLoss } = this.#parts
    const { stream, retry, due, dueData, delayed, delayedData, paused, skipped, gate } = place.keys
    const before = this.#takes.arm()
    const now = performance.now()
    const keys = [stream, retry, due, dueData, delayed, delayedData, paused, skipped, gate]
    const reply = (await common.link.run(takeScript, keys, [place.consumerGroup, '', 0])) as readonly number[]
    const [waitMs = -1, emptied = 0] = reply
    if (emptied > 0) onLoss('fields', emptied)
    this.#takeAt = waitMs < 0 ? Number.POSITIVE_INFINITY : now + waitMs
    this.#takenAt = now
    // Only a subscription that reads all the time needs it.
    this.#pollAt = Number.POSITIVE_INFINITY
    this.#taken = before
  }

  async #readNew(count: number): Promise<readonly RawEntry[]> {
    const { common } = this.#parts
    const before = this.#reads.arm()
    const entries = await this.#readStream(count, (args) => common.link.send('XREAD', args))
    this.#read = entries.length < count ? before : -1
    if (entries.length < count) this.#pollAt = Number.POSITIVE_INFINITY
    if (this.#reads.isBusy) this.#loan ??= common.lender.lend()
    return entries
  }

  /** Waits for a moment until there is something new. */
  async #awaitNew(loan: Loan, steps: string[]): Promise<readonly RawEntry[]> {
    const { portions, runs } = this.#parts
    steps.push('reading')
    const now = performance.now()
    const entries = await this.#readStream(portions.next(runs.free), (args) => loan.read('XREAD', args, this.#takeAt))
    return entries.length > 0 || now < this.#checkAt ? entries : await this.#check(steps)
  }

  async #readStream(
    count: number,
    send: (args: readonly Argument[]) => Promise<unknown>,
  ): Promise<readonly RawEntry[]> {
    const { place, position, settings } = this.#parts
    const entries = entriesOf(await send(['COUNT', count, 'STREAMS', place.keys.stream, position.lastId]))
    this.#hasRead = true
    if (entries.length > 0) this.#reads.noteFound()
    this.#pollAt = this.#takenAt + (this.#takes.isArmed ? takeEveryMs : settings.pollMs)
    return entries
  }

  /** Compares what was read with what there was, once after each time that everything was read. */
  async #check(steps: string[]): Promise<readonly RawEntry[]> {
    this.#checkAt = performance.now() + checkEveryMs
    this.#hasRead = false
    steps.push('checking for losses')
    const { position } = this.#parts
    const { lastId } = position
    await position.checkLoss()
    if (position.lastId !== lastId) this.#read = -1
    return []
  }

  async #rest(): Promise<void> {
    const until = Math.min(this.#takeAt, this.#hasRead ? this.#checkAt : Number.POSITIVE_INFINITY)
    this.#isResting = true
    await this.#resting.wait(Math.min(maxRestMs, Math.max(1, Math.ceil(until - performance.now()))))
    this.#isResting = false
  }
}

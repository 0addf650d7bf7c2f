import type { Entry, Member } from './member.js'
import type { Faulty } from './mutation.js'

/** The keys with a running message. No other message of these keys starts. */
export class Lanes {
  readonly #faulty: Faulty
  readonly #busy = new Map<string, number>()

  constructor(faulty: Faulty) {
    this.#faulty = faulty
  }

  isFree(entry: Entry, member: Member): boolean {
    const lane = this.#laneOf(entry, member)
    return lane === undefined || !this.#busy.has(lane)
  }

  enter(entry: Entry, member: Member): void {
    const lane = this.#laneOf(entry, member)
    if (lane !== undefined) this.#busy.set(lane, entry.rank)
  }

  /** Leaves the lane. Does nothing for an entry that never entered. */
  leave(entry: Entry, member: Member): void {
    const lane = this.#laneOf(entry, member)
    if (lane !== undefined && this.#busy.get(lane) === entry.rank) this.#busy.delete(lane)
  }

  /** Frees the lane of an entry, whoever is in it. For mutants. */
  free(entry: Entry, member: Member): void {
    const lane = this.#laneOf(entry, member)
    if (lane !== undefined) this.#busy.delete(lane)
  }

  #laneOf({ message }: Entry, { options }: Member): string | undefined {
    const { partitionkey: key } = message.attributes
    if (key === undefined || this.#faulty('noKeyLock')) return undefined
    if (this.#faulty('lanesSerialise')) return 'the only one'
    return this.#faulty('orderedOnlyWithinConsumer') ? `${options.consumer}/${key}` : key
  }
}

import type { Entry } from './member.js'

const keyOf = ({ message }: Entry): string | undefined => message.attributes.partitionkey

/** The keys of which a message is being handled: no other one of these starts. */
export class Lanes {
  readonly #busy = new Map<string, number>()

  isFree(entry: Entry): boolean {
    const key = keyOf(entry)
    return key === undefined || !this.#busy.has(key)
  }

  enter(entry: Entry): void {
    const key = keyOf(entry)
    if (key !== undefined) this.#busy.set(key, entry.rank)
  }

  /** For an entry that never entered too. */
  leave(entry: Entry): void {
    const key = keyOf(entry)
    if (key !== undefined && this.#busy.get(key) === entry.rank) this.#busy.delete(key)
  }
}

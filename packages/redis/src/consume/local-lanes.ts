import type { Owned } from '../wire/reply.js'

/** Messages of a key that wait for another of their key, within one consumer. */
export class LocalLanes {
  readonly #lanes = new Map<string, Owned[]>()
  #waiting = 0

  get waiting(): number {
    return this.#waiting
  }

  /** Whether it may start now; if not, it comes out of `leave` in its turn. */
  enter(owned: Owned): boolean {
    const { key } = owned.entry.message
    if (key === undefined) return true
    const lane = this.#lanes.get(key)
    if (lane === undefined) {
      this.#lanes.set(key, [])
      return true
    }
    lane.push(owned)
    this.#waiting += 1
    return false
  }

  /** The one of a key that ran has ended: the next one, if there is one, may start. */
  leave({ entry }: Owned): Owned | undefined {
    const { key } = entry.message
    if (key === undefined) return undefined
    const next = this.#lanes.get(key)?.shift()
    if (next === undefined) this.#lanes.delete(key)
    else this.#waiting -= 1
    return next
  }
}

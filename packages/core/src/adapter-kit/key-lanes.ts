import { Fifo } from './fifo.js'

interface Lane<T> {
  /** The only item of the key that may go on. */
  holder: T
  /** Created when the first item has to wait, because most keys never have one. */
  waiting: Fifo<T> | undefined
}

/** Lets one item of each key through at a time, in the order in which they entered. Items without a key never wait. */
export class KeyLanes<T extends object> {
  readonly #lanes = new Map<string, Lane<T>>()
  #waiting = 0

  /** How many items wait for another of their key. */
  get waiting(): number {
    return this.#waiting
  }

  /** Returns true if the item may go on now. If not, it comes out of `leave` in its turn. */
  enter(key: string | undefined, item: T): boolean {
    if (key === undefined) return true
    const lane = this.#lanes.get(key)
    if (lane === undefined) {
      this.#lanes.set(key, { holder: item, waiting: undefined })
      return true
    }
    lane.waiting ??= new Fifo()
    lane.waiting.push(item)
    this.#waiting += 1
    return false
  }

  /**
   * Ends the turn of an item, and returns the item that may go on now, if one waits. Does nothing for an item whose turn it is not,
   * so it may be called twice.
   */
  leave(key: string | undefined, item: T): T | undefined {
    const lane = key === undefined ? undefined : this.#lanes.get(key)
    if (key === undefined || lane === undefined || lane.holder !== item) return undefined
    const next = lane.waiting?.shift()
    if (next === undefined) {
      this.#lanes.delete(key)
      return undefined
    }
    this.#waiting -= 1
    lane.holder = next
    return next
  }
}

import type { Entry } from './tracker.js'

/** Lets one entry of each key through at a time, in the order in which they came. */
export class Lanes {
  readonly #waiting = new Map<string, Entry[]>()

  /** True when nothing of its key is under way: then it may go on, and the next one waits for `leave`. */
  enter(entry: Entry): boolean {
    if (entry.key === undefined) return true
    const waiting = this.#waiting.get(entry.key)
    if (waiting === undefined) {
      this.#waiting.set(entry.key, [])
      entry.inLane = true
      return true
    }
    waiting.push(entry)
    return false
  }

  /** The one that goes on now. */
  leave(entry: Entry): Entry | undefined {
    if (entry.key === undefined || entry.inLane !== true) return undefined
    entry.inLane = false
    const waiting = this.#waiting.get(entry.key)
    let next = waiting?.shift()
    while (next?.state === 'void') next = waiting?.shift()
    if (next === undefined) this.#waiting.delete(entry.key)
    else next.inLane = true
    return next
  }
}

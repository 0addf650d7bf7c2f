/** Something that may have a key. */
export interface Keyed {
  readonly key: string | undefined
}

/**
 * Hands out items in order, at most `concurrency` at once, and with `ordered` one of each key at a time: what comes for a busy
 * key waits in a lane of its own.
 */
export class Lanes<T extends Keyed> {
  readonly #options: { readonly concurrency: number; readonly ordered: boolean }
  readonly #start: (item: T) => void
  readonly #ready: T[] = []
  readonly #lanes = new Map<string, T[]>()
  #running = 0
  #isPaused = false

  constructor(options: { readonly concurrency: number; readonly ordered: boolean }, start: (item: T) => void) {
    this.#options = options
    this.#start = start
  }

  add(item: T): void {
    const lane = this.#laneOf(item)
    if (lane !== undefined) {
      lane.push(item)
      return
    }
    if (this.#options.ordered && item.key !== undefined) this.#lanes.set(item.key, [])
    this.#ready.push(item)
    this.#dispatch()
  }

  /** For an item that was started. */
  finish(item: T): void {
    this.#running -= 1
    const lane = this.#laneOf(item)
    if (lane !== undefined && item.key !== undefined) {
      const next = lane.shift()
      if (next === undefined) this.#lanes.delete(item.key)
      else this.#ready.unshift(next)
    }
    this.#dispatch()
  }

  /** Starts nothing more. */
  pause(): void {
    this.#isPaused = true
  }

  #laneOf(item: T): T[] | undefined {
    return this.#options.ordered && item.key !== undefined ? this.#lanes.get(item.key) : undefined
  }

  #dispatch(): void {
    while (!this.#isPaused && this.#running < this.#options.concurrency) {
      const item = this.#ready.shift()
      if (item === undefined) return
      this.#running += 1
      this.#start(item)
    }
  }
}

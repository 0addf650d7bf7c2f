import { Fifo, KeyLanes } from '@mq/core/adapter'

/** An item that may have a key. */
export interface Keyed {
  readonly key: string | undefined
}

/** Starts items in order, at most `concurrency` at once. With `ordered` it starts one of each key at a time. */
export class Dispatcher<T extends Keyed> {
  readonly #options: { readonly concurrency: number; readonly ordered: boolean }
  readonly #start: (item: T) => void
  readonly #ready = new Fifo<T>()
  readonly #lanes = new KeyLanes<T>()
  #running = 0
  #isPaused = false

  constructor(options: { readonly concurrency: number; readonly ordered: boolean }, start: (item: T) => void) {
    this.#options = options
    this.#start = start
  }

  add(item: T): void {
    if (this.#options.ordered && !this.#lanes.enter(item.key, item)) return
    this.#ready.push(item)
    this.#dispatch()
  }

  /** Called when a started item has ended. */
  finish(item: T): void {
    this.#running -= 1
    const next = this.#options.ordered ? this.#lanes.leave(item.key, item) : undefined
    if (next !== undefined) this.#ready.unshift(next)
    this.#dispatch()
  }

  /** Starts no more items. */
  pause(): void {
    this.#isPaused = true
  }

  /** Starts items again, those first that came meanwhile. */
  resume(): void {
    this.#isPaused = false
    this.#dispatch()
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

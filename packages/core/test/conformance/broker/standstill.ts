/** Lets a whole client stand still, as a paused process does: nothing that goes through it happens before it goes on. */
export class Standstill {
  #isPaused = false
  #wasPaused = false
  #held: (() => void)[] = []
  #timers: (() => void)[] = []

  get isPaused(): boolean {
    return this.#isPaused
  }

  get wasPaused(): boolean {
    return this.#wasPaused
  }

  pause(): void {
    this.#isPaused = true
    this.#wasPaused = true
  }

  /** Like an event loop that goes on, it runs timers that are over before it reads what has arrived. */
  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    for (const timer of this.#timers.splice(0)) timer()
    setImmediate(() => {
      for (const work of this.#held.splice(0)) this.run(work)
    })
  }

  /** Does the work now, or once the client goes on. */
  run(work: () => void): void {
    if (this.#isPaused || this.#held.length > 0) this.#held.push(work)
    else work()
  }

  /** Resolves after that time, or once the client goes on. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(() => (this.#isPaused ? this.#timers.push(resolve) : resolve()), ms)
    })
  }
}

const doorMs = 5

/** Makes runs wait for each other that should not. Mutants of concurrency use it. */
export class Turnstile {
  readonly #waiting: (() => void)[] = []
  #inside = 0
  #isOpen = false

  /** Resolves when fewer than `limit` runs are inside. */
  async enter(limit: number): Promise<void> {
    if (this.#inside >= limit) await this.#turn()
    this.#inside += 1
  }

  leave(): void {
    this.#inside -= 1
    this.#waiting.shift()?.()
  }

  /** Resolves at once for runs that start together, and for later ones when all of these have left. */
  async enterTogether(): Promise<void> {
    if (this.#inside > 0 && !this.#isOpen) await this.#turn()
    else this.#openDoor()
    this.#inside += 1
  }

  leaveTogether(): void {
    this.#inside -= 1
    if (this.#inside > 0) return
    for (const enter of this.#waiting.splice(0)) enter()
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #openDoor(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    setTimeout(() => {
      this.#isOpen = false
    }, doorMs)
  }
}

/** Wakes somebody up when something may be due. Whatever asks for that decides itself whether it is. */
export class Agenda {
  readonly #wake: () => void
  #open = false
  #timer: NodeJS.Timeout | undefined
  #due = Number.POSITIVE_INFINITY

  constructor(wake: () => void) {
    this.#wake = wake
  }

  /** Milliseconds on a clock that never goes back. */
  now(): number {
    return performance.now()
  }

  /** While closed, no timer keeps the process alive. */
  set open(open: boolean) {
    if (this.#open === open) return
    this.#open = open
    this.#disarm()
    if (open) this.#wake()
  }

  /** Wakes no later than shortly after `due`. */
  at(due: number): void {
    if (!this.#open || due >= this.#due) return
    this.#disarm()
    this.#due = due
    this.#timer = setTimeout(
      () => {
        this.#disarm()
        this.#wake()
      },
      Math.min(Math.max(due - this.now(), 1), 2 ** 31 - 1),
    )
  }

  #disarm(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#due = Number.POSITIVE_INFINITY
  }
}

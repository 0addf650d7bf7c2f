/** Calls back when something may be due. The caller decides whether it is. */
export class Agenda {
  readonly #wake: () => void
  #open = false
  #timer: NodeJS.Timeout | undefined
  #due = Number.POSITIVE_INFINITY

  constructor(wake: () => void) {
    this.#wake = wake
  }

  /** The time in milliseconds on a monotonic clock. */
  now(): number {
    return performance.now()
  }

  /** Opens or closes the agenda. While it is closed, no timer keeps the process alive. */
  set open(open: boolean) {
    if (this.#open === open) return
    this.#open = open
    this.#disarm()
    if (open) this.#wake()
  }

  /** Schedules a call shortly after `due` at the latest. */
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

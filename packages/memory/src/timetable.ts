import type { Clock, ClockTimer } from '@mq/core/adapter'

/** Something that happens at its time unless it is cancelled before. */
export interface Appointment {
  readonly due: number
  readonly run: () => void
  cancelled: boolean
}

/** Runs appointments in the order of their times, and equal times in the order in which they were added. All share one timer. */
export class Timetable {
  readonly #clock: Clock
  /** A binary heap with the earliest appointment first. */
  readonly #heap: (Appointment & { readonly order: number })[] = []
  #made = 0
  #timer: ClockTimer | undefined
  #timerDue = Number.POSITIVE_INFINITY
  #open = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** While it is closed no timer is armed, so that nothing keeps the process alive. */
  set open(open: boolean) {
    this.#open = open
    this.#disarm()
    if (open) this.#arm()
  }

  /** Returns its own time, which goes on evenly even if the time of day is set. */
  now(): number {
    return this.#clock.monotonic()
  }

  add(delayMs: number, run: () => void): Appointment {
    const appointment = { due: this.now() + delayMs, run, cancelled: false, order: this.#made++ }
    this.#heap.push(appointment)
    this.#rise(this.#heap.length - 1)
    this.#arm()
    return appointment
  }

  /** Returns the time of the next appointment that was not cancelled. */
  nextDue(): number | undefined {
    while (this.#heap[0]?.cancelled === true) this.#takeFirst()
    return this.#heap[0]?.due
  }

  #arm(): void {
    const due = this.nextDue()
    if (!this.#open || due === undefined || due >= this.#timerDue) return
    this.#disarm()
    this.#timerDue = due
    this.#timer = this.#clock.setTimeout(() => this.#runDue(), Math.max(0, due - this.now()))
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerDue = Number.POSITIVE_INFINITY
  }

  #runDue(): void {
    this.#disarm()
    for (let due = this.nextDue(); due !== undefined && due <= this.now(); due = this.nextDue()) {
      this.#takeFirst()?.run()
    }
    this.#arm()
  }

  #isBefore(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]]
    if (first === undefined || second === undefined) return first !== undefined
    return first.due < second.due || (first.due === second.due && first.order < second.order)
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a], this.#heap[b]]
    if (first === undefined || second === undefined) return
    this.#heap[a] = second
    this.#heap[b] = first
  }

  #rise(index: number): void {
    for (let at = index; at > 0; ) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(at, parent)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #takeFirst(): Appointment | undefined {
    const first = this.#heap[0]
    const last = this.#heap.pop()
    if (last !== undefined && last !== first) {
      this.#heap[0] = last
      this.#sink()
    }
    return first
  }

  #sink(): void {
    for (let at = 0; ; ) {
      const left = 2 * at + 1
      const earlier = this.#isBefore(left + 1, left) ? left + 1 : left
      if (!this.#isBefore(earlier, at)) return
      this.#swap(at, earlier)
      at = earlier
    }
  }
}

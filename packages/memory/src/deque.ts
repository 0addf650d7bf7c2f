const smallest = 16

/** A queue with two ends in a circular buffer, so that neither end costs more as it grows. */
export class Deque<T> {
  #slots: (T | undefined)[] = new Array(smallest)
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    this.#grow()
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item
    this.#length += 1
  }

  unshift(item: T): void {
    this.#grow()
    this.#head = (this.#head - 1) & (this.#slots.length - 1)
    this.#slots[this.#head] = item
    this.#length += 1
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#slots[this.#head]
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.#length -= 1
    if (this.#length === 0 && this.#slots.length > smallest) {
      this.#slots = new Array(smallest)
      this.#head = 0
    }
    return item
  }

  *[Symbol.iterator](): Generator<T> {
    for (let index = 0; index < this.#length; index++) {
      yield this.#slots[(this.#head + index) & (this.#slots.length - 1)] as T
    }
  }

  #grow(): void {
    if (this.#length < this.#slots.length) return
    const slots = [...this]
    slots.length = this.#slots.length * 2
    this.#slots = slots
    this.#head = 0
  }
}

const minSlots = 16

/**
 * A first-in-first-out queue whose operations cost the same at any length. It keeps no reference to items that have left it, and it gives
 * back memory when it shrinks. Do not change it while iterating.
 */
export class Fifo<T> {
  /** A ring of slots. Their number is a power of two, so that a mask finds the slot of an index. */
  #slots: (T | undefined)[] = new Array(minSlots)
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The item that `shift` removes next. */
  get first(): T | undefined {
    return this.#slots[this.#head]
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#resize(this.#length * 2)
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item
    this.#length += 1
  }

  /** Puts an item in front of all others. */
  unshift(item: T): void {
    if (this.#length === this.#slots.length) this.#resize(this.#length * 2)
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
    if (this.#length * 4 <= this.#slots.length && this.#slots.length > minSlots) this.#resize(this.#slots.length / 2)
    return item
  }

  clear(): void {
    this.#slots = new Array(minSlots)
    this.#head = 0
    this.#length = 0
  }

  /** Iterates from the front. */
  *[Symbol.iterator](): Generator<T> {
    for (let index = 0; index < this.#length; index++) {
      yield this.#slots[(this.#head + index) & (this.#slots.length - 1)] as T
    }
  }

  #resize(size: number): void {
    const slots = new Array<T | undefined>(size)
    for (let index = 0; index < this.#length; index++) {
      slots[index] = this.#slots[(this.#head + index) & (this.#slots.length - 1)]
    }
    this.#slots = slots
    this.#head = 0
  }
}

import { Fifo } from '@mq/core/adapter'

/** Keeps the latest items, limited by their number and their bytes. The oldest make room. */
export class BoundedLog<T> {
  readonly #items = new Fifo<{ readonly item: T; readonly bytes: number }>()
  readonly #limits: { readonly items: number; readonly bytes: number }
  #bytes = 0

  constructor(limits: { readonly items: number; readonly bytes: number }) {
    this.#limits = limits
  }

  add(item: T, bytes: number): void {
    this.#items.push({ item, bytes })
    this.#bytes += bytes
    while (this.#items.length > this.#limits.items || this.#bytes > this.#limits.bytes) {
      this.#bytes -= this.#items.shift()?.bytes ?? 0
    }
  }

  *[Symbol.iterator](): Generator<T> {
    for (const { item } of this.#items) yield item
  }
}

import type { Range } from '../wire/progress.js'

/** The offsets that an earlier owner of a partition had finished behind the offset that it committed. */
export class SkippedRanges {
  #ranges: readonly Range[]

  constructor(ranges: readonly Range[]) {
    this.#ranges = ranges
  }

  /** Takes offsets in ascending order, and forgets the ranges before each. */
  includes(offset: number): boolean {
    while (this.#ranges[0] !== undefined && this.#ranges[0].last < offset) this.#ranges = this.#ranges.slice(1)
    return (this.#ranges[0]?.first ?? Number.POSITIVE_INFINITY) <= offset
  }

  /** Returns the ranges from a position on. */
  from(position: number): readonly Range[] {
    return this.#ranges
      .filter(({ last }) => last >= position)
      .map(({ first, last }) => ({ first: Math.max(first, position), last }))
  }
}

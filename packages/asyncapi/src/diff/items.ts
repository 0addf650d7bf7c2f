import type { Alternative } from './alternatives.js'
import type { Gap } from './change.js'
import type { Compare } from './gaps.js'

interface ListPair {
  readonly written: Alternative
  readonly read: Alternative
  readonly path: string
}

/** Returns the schema of the item at an index, and false if there is none. */
function itemAt({ items = true, additionalItems = true, maxItems }: Alternative, index: number): unknown {
  if (typeof maxItems === 'number' && index >= maxItems) return false
  if (!Array.isArray(items)) return items
  return index < items.length ? items[index] : additionalItems
}

const lengthOf = ({ items }: Alternative): number => (Array.isArray(items) ? items.length : 0)

/** Compares the items of two alternatives that are lists. */
export function itemGaps({ written, read, path }: ListPair, compare: Compare): readonly Gap[] {
  const named = Math.max(lengthOf(written), lengthOf(read))
  // The limit of the number says it once.
  const isBeyond = (index: number): boolean => typeof read.maxItems === 'number' && index >= read.maxItems
  const at = (index: number, shown: string): readonly Gap[] =>
    isBeyond(index)
      ? []
      : compare({ written: itemAt(written, index), read: itemAt(read, index), path: `${path}${shown}` })
  const single = Array.from({ length: named }, (_, index) => at(index, `[${index}]`)).flat()
  return [...single, ...at(named, '[]')]
}

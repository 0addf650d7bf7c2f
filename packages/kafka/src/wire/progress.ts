// The text beside a committed offset. See docs/decisions/0023-kafka-done-beside-the-offset.md.

/** Offsets from `first` to `last`, both included. */
export interface Range {
  readonly first: number
  readonly last: number
}

/** How far a partition is, as its owner commits it. */
export interface Progress {
  /** Everything before it is finished. */
  readonly offset: number
  /** The finished offsets behind `offset`. */
  readonly done: readonly Range[]
  readonly doneCount: number
  /** How many records are being handled. */
  readonly running: number
}

/** Collects the finished offsets: those of entries in ascending order, and the ranges behind them. */
export function finishedRanges(
  entries: Iterable<{ readonly offset: number; readonly state: string }>,
  behind: readonly Range[],
): Pick<Progress, 'done' | 'doneCount'> {
  const done: { first: number; last: number }[] = []
  let doneCount = 0
  let isAfterDone = false
  for (const { state, offset } of entries) {
    const last = done.at(-1)
    if (state === 'done') {
      doneCount += 1
      if (last !== undefined && isAfterDone) last.last = offset
      else done.push({ first: offset, last: offset })
    }
    isAfterDone = state === 'done'
  }
  for (const range of behind) doneCount += range.last - range.first + 1
  return { done: [...done, ...behind], doneCount }
}

/** Joins what two owners of a partition know. The one that is further along is right about what lies before its offset. */
export function joinProgress(one: Progress, other: Progress): Progress {
  const offset = Math.max(one.offset, other.offset)
  const done = joinRanges(
    [...one.done, ...other.done]
      .filter(({ last }) => last >= offset)
      .map(({ first, last }) => ({ first: Math.max(first, offset), last })),
  )
  const doneCount = done.reduce((count, { first, last }) => count + last - first + 1, 0)
  return { offset, done, doneCount, running: other.running }
}

/** Adds finished offsets to what an owner has committed. Its count stays right also if its text had no room for all ranges. */
export function withDone(progress: Progress, offsets: readonly number[]): Progress {
  const added = outside(progress.done, new Set(offsets)).filter((offset) => offset >= progress.offset)
  if (added.length === 0) return progress
  const done = joinRanges([...progress.done, ...added.map((offset) => ({ first: offset, last: offset }))])
  return { ...progress, done, doneCount: progress.doneCount + added.length }
}

/** Returns those of the offsets that lie in none of the ranges, in ascending order. */
export function outside(ranges: readonly Range[], offsets: Iterable<number>): readonly number[] {
  const skipped = new SkippedRanges(ranges)
  return [...offsets].sort((one, other) => one - other).filter((offset) => !skipped.includes(offset))
}

/** Sorts ranges, and makes one of those that touch. */
function joinRanges(ranges: readonly Range[]): readonly Range[] {
  const joined: { first: number; last: number }[] = []
  for (const { first, last } of [...ranges].sort((one, other) => one.first - other.first)) {
    const before = joined.at(-1)
    if (before !== undefined && first <= before.last + 1) before.last = Math.max(before.last, last)
    else joined.push({ first, last })
  }
  return joined
}

/** Brokers take 4,096 bytes of metadata by default. */
const maxTextLength = 3_500

/**
 * Encodes the part beside the offset. It names that offset and the topic, because programs that copy a group to another cluster
 * translate the offset and copy the text. Ranges that find no room are left out: after a crash their
 * records may run again.
 */
export function encodeProgress({ offset, done, doneCount, running }: Progress, identity = ''): string {
  const parts: string[] = []
  let length = 0
  for (const { first, last } of done) {
    const part = `${(first - offset).toString(36)}-${(last - first).toString(36)}`
    length += part.length + 1
    if (length > maxTextLength) break
    parts.push(part)
  }
  return `mq2;${identity};${offset};${running};${doneCount};${parts.join(',')}`
}

const format = /^mq2;([\w.-]*);(\d+);(\d+);(\d+);([0-9a-z,-]*)$/

/**
 * Decodes the text beside an offset. Any other text counts as none, and so does one that was written beside another offset or for
 * another topic than `identity`.
 */
export function decodeProgress(offset: number, metadata: string | null | undefined, identity = ''): Progress {
  const found = format.exec(metadata ?? '')
  if (found === null || Number(found[2]) !== offset || isOther(found[1] ?? '', identity))
    return { offset, done: [], doneCount: 0, running: 0 }
  const ranges = (found[5] ?? '').split(',').filter((part) => part !== '')
  const done = ranges.map((part) => {
    const [from = '', length = ''] = part.split('-')
    const first = offset + Number.parseInt(from, 36)
    return { first, last: first + Number.parseInt(length, 36) }
  })
  return { offset, done, doneCount: Number(found[4]), running: Number(found[3]) }
}

const isOther = (one: string, other: string): boolean => one !== '' && other !== '' && one !== other

/** Says that the offset belongs to a topic of this name that was deleted. In another cluster the topic is a copy, and the offset counts. */
export function isOfDeletedTopic(offset: number, metadata: string | null | undefined, identity = ''): boolean {
  const found = format.exec(metadata ?? '')
  const [then = '', now] = [found?.[1], identity]
  const clusterOf = (text: string): string => text.slice(text.indexOf('.'))
  return Number(found?.[2]) === offset && isOther(then, now) && clusterOf(then) === clusterOf(now)
}

/** The offsets that an earlier owner of a partition had finished behind the offset that it committed. */
export class SkippedRanges {
  #ranges: readonly Range[]
  /** How many ranges lie before what it was asked about. */
  #passed = 0

  constructor(ranges: readonly Range[]) {
    this.#ranges = ranges
  }

  /** Takes offsets in ascending order. */
  includes(offset: number): boolean {
    while ((this.#ranges[this.#passed]?.last ?? Number.POSITIVE_INFINITY) < offset) this.#passed += 1
    return (this.#ranges[this.#passed]?.first ?? Number.POSITIVE_INFINITY) <= offset
  }

  /** Adds offsets, none of which it was asked about yet. */
  add(offsets: readonly number[]): void {
    const added = [...offsets].sort((one, other) => one - other).map((offset) => ({ first: offset, last: offset }))
    this.#ranges = joinRanges([...this.#ranges.slice(this.#passed), ...added])
    this.#passed = 0
  }

  /** Returns the ranges from a position on. */
  from(position: number): readonly Range[] {
    return this.#ranges
      .filter(({ last }) => last >= position)
      .map(({ first, last }) => ({ first: Math.max(first, position), last }))
  }
}

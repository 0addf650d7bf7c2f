/** Offsets from `first` to `last`, both included. */
export interface Range {
  readonly first: number
  readonly last: number
}

/** How far a partition is, as its owner commits it. */
export interface Progress {
  /** Everything before it is finished. */
  readonly offset: number
  /** What is finished behind that. */
  readonly done: readonly Range[]
  readonly doneCount: number
  /** Being handled. */
  readonly running: number
}

/** What a broker takes as metadata by default is 4,096 bytes. */
const mostText = 3_500

/** The part beside the offset. Ranges that find no room are left out: what they name may then run again after a crash. */
export function encodeProgress({ offset, done, doneCount, running }: Progress): string {
  const parts: string[] = []
  let length = 0
  for (const { first, last } of done) {
    const part = `${(first - offset).toString(36)}-${(last - first).toString(36)}`
    length += part.length + 1
    if (length > mostText) break
    parts.push(part)
  }
  return `mq1;${running};${doneCount};${parts.join(',')}`
}

/** Anything else that stands there counts as nothing. */
export function decodeProgress(offset: number, metadata: string | null | undefined): Progress {
  const found = /^mq1;(\d+);(\d+);([0-9a-z,-]*)$/.exec(metadata ?? '')
  if (found === null) return { offset, done: [], doneCount: 0, running: 0 }
  const ranges = (found[3] ?? '').split(',').filter((part) => part !== '')
  const done = ranges.map((part) => {
    const [from = '', length = ''] = part.split('-')
    const first = offset + Number.parseInt(from, 36)
    return { first, last: first + Number.parseInt(length, 36) }
  })
  return { offset, done, doneCount: Number(found[2]), running: Number(found[1]) }
}

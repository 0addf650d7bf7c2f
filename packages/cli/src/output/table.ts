import Table from 'cli-table3'

const bare = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
} as const

export interface TableOptions {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** The columns of numbers, which are aligned to the right. */
  readonly numbers?: readonly string[]
  readonly bold: (text: string) => string
}

/** Lays out rows in columns without lines, so that `grep` and `awk` work on them. Cells are expected to be escaped. */
export function table({ head, rows, numbers = [], bold }: TableOptions): string {
  const made = new Table({
    chars: bare,
    head: head.map((name) => bold(name.toUpperCase())),
    colAligns: head.map((name) => (numbers.includes(name) ? 'right' : 'left')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  made.push(...rows.map((row) => [...row]))
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

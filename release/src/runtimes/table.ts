export interface Trial {
  /** Its name with its version. */
  readonly runtime: string
  /** What was tried: the column of the table. */
  readonly what: string
  /** The result in a word or two. Empty if there is a problem. */
  readonly result: string
  readonly problem?: string
}

/** Shows a row for each runtime and a column for each kind of trial, with a dash for a trial that was not made. */
export function trialTable(trials: readonly Trial[]): string {
  const whats = [...new Set(trials.map(({ what }) => what))]
  const runtimes = [...new Set(trials.map(({ runtime }) => runtime))]
  const cell = (runtime: string, what: string): string => {
    const trial = trials.find((each) => each.runtime === runtime && each.what === what)
    if (trial === undefined) return '-'
    return trial.problem === undefined ? trial.result : 'FAILED'
  }
  const rows = [
    ['runtime', ...whats],
    ...runtimes.map((runtime) => [runtime, ...whats.map((what) => cell(runtime, what))]),
  ]
  const widths = ['runtime', ...whats].map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Says whether every trial succeeded. No trials at all count as a failure. */
export const allWell = (trials: readonly Trial[]): boolean =>
  trials.length > 0 && trials.every(({ problem }) => problem === undefined)

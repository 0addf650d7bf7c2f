export interface Trial {
  /** Of Node. */
  readonly version: string
  /** The column. */
  readonly what: string
  /** In a word or two, where it went well. */
  readonly told: string
  readonly problem?: string
}

/** A row for each Node and a column for each trial; a trial that some Node lacks has a dash there. */
export function trialTable(trials: readonly Trial[]): string {
  const whats = [...new Set(trials.map(({ what }) => what))]
  const versions = [...new Set(trials.map(({ version }) => version))]
  const cell = (version: string, what: string): string => {
    const trial = trials.find((each) => each.version === version && each.what === what)
    if (trial === undefined) return '-'
    return trial.problem === undefined ? trial.told : 'FAILED'
  }
  const rows = [
    ['Node', ...whats],
    ...versions.map((version) => [version, ...whats.map((what) => cell(version, what))]),
  ]
  const widths = ['Node', ...whats].map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** That there was nothing to try is a failure, too. */
export const allWell = (trials: readonly Trial[]): boolean =>
  trials.length > 0 && trials.every(({ problem }) => problem === undefined)

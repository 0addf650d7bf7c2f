import type { Verdict } from './laboratory.js'

/** The share of the mutants with a case that the suite has to notice, in percent. */
const wanted = 95

/** Returns the verdicts as a Markdown table, with the score in a line below it. */
export function table(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ mutant, promise, caughtBy, expected, ms }) => {
    const catcher = caughtBy === undefined ? '**nothing**' : caughtBy
    const instead = caughtBy === undefined || caughtBy === expected ? '' : ` (not ${expected})`
    return `| ${mutant} | ${promise} | ${catcher}${instead} | ${(ms / 1_000).toFixed(1)} |`
  })
  const { caught, all } = scoreOf(verdicts)
  return [
    '| mutant | promise | noticed by | seconds |',
    '|---|---|---|---|',
    ...rows,
    '',
    `The suite notices ${caught} of ${all}; the adapters' own tests notice ${own(verdicts).filter(isCaught).length} of ${own(verdicts).length} more.`,
  ].join('\n')
}

/** Says whether the suite notices enough, and the adapters' own tests all that is theirs. */
export function isEnough(verdicts: readonly Verdict[]): boolean {
  const { caught, all } = scoreOf(verdicts)
  return 100 * caught >= wanted * all && own(verdicts).every(isCaught)
}

function scoreOf(verdicts: readonly Verdict[]): { readonly caught: number; readonly all: number } {
  const ofSuite = verdicts.filter(({ isCase }) => isCase)
  return { caught: ofSuite.filter(isCaught).length, all: ofSuite.length }
}

const own = (verdicts: readonly Verdict[]): readonly Verdict[] => verdicts.filter(({ isCase }) => !isCase)
const isCaught = ({ caughtBy }: Verdict): boolean => caughtBy !== undefined

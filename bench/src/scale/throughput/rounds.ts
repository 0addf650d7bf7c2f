import { namesFor } from '../../contenders.js'
import type { Figures, Workload } from '../../measure.js'
import { type Round, runRounds } from '../../rounds.js'
import { medianOf } from '../../table.js'
import { type Setting, withBroker } from '../part.js'

/** Lets all contenders take turns on a broker of their own. */
export const roundsOf = (setting: Setting, title: string, work: Workload): Promise<readonly Round[]> =>
  withBroker(setting, ({ url }) =>
    runRounds({
      systems: Object.keys(namesFor(setting.broker)),
      url,
      rounds: setting.sizes.rounds,
      work,
      env: setting.env,
      onRound: ({ system }, number) => setting.print(`${title}: round ${number}, ${system}`),
    }),
  )

/** Returns the median of a figure of one contender. */
export const medianIn = (rounds: readonly Round[], system: string, of: (figures: Figures) => number): number =>
  medianOf(rounds.flatMap((round) => (round.system === system ? [of(round.figures)] : [])))

import type { OracleName } from './oracle/broken.js'

/** A promise that does not hold yet, and the generators that show it. */
export interface Known {
  /** Names; a `*` at the beginning stands for any broker, and alone for every generator. */
  readonly generators: readonly string[]
  /** Of the list; `new` for what the fuzzer has found. */
  readonly row: string
  /** Which behaviour is missing. */
  readonly missing: string
  /** The oracles that notice it: the generator runs without them. Absent if it cannot run at all. */
  readonly oracles?: readonly OracleName[]
}

/**
 * Generators that fail. `npm test` leaves them out, and `pnpm fuzz <broker> --all` runs them. An entry says which behaviour is
 * missing, and goes away with the change that adds it. The table is empty when nothing that anybody writes stops a consumer.
 */
const known: readonly Known[] = []

const isMeant =
  (generator: string) =>
  ({ generators }: Known): boolean =>
    generators.some(
      (name) => name === generator || name === '*' || (name.startsWith('*') && generator.endsWith(name.slice(1))),
    )

export const knownOf = (generator: string): readonly Known[] => known.filter(isMeant(generator))

/** Whether a generator can run today. */
export const isRun = (generator: string): boolean => knownOf(generator).every(({ oracles }) => oracles !== undefined)

/** Which oracles say nothing of a generator until they can. */
export const silentOn = (generator: string): readonly OracleName[] =>
  knownOf(generator).flatMap(({ oracles }) => oracles ?? [])

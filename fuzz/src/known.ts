import type { OracleName } from './oracle/broken.js'

/** A promise that does not hold yet, and the generators that show it. */
export interface Known {
  /** Of the list of reports. */
  readonly row: string
  /** Which behaviour is missing. */
  readonly missing: string
  /** The oracles that notice it: the generator runs without them. Absent when it cannot run at all. */
  readonly oracles?: readonly OracleName[]
}

/**
 * Generators that fail. `npm test` leaves them out; `pnpm fuzz <broker> --all` runs them too. An entry says which behaviour is
 * missing, and goes away with the change that adds it: the table is empty when nothing that anybody writes stops a consumer.
 */
export const known: Readonly<Record<string, Known>> = {}

export const isRun = (generator: string): boolean =>
  known[generator] === undefined || known[generator]?.oracles !== undefined

export const silentOn = (generator: string): readonly OracleName[] => known[generator]?.oracles ?? []

import type { MutantName } from '../mutants.js'

/** Returns whether this fault is planted. Always false if none is. */
export type Faulty = (mutant: MutantName) => boolean

const reached = new Set<MutantName>()

/** Records each query. A mutant that is never queried is planted nowhere, or in code that does not run. */
export function planted(mutant: MutantName | undefined): Faulty {
  return (asked) => {
    reached.add(asked)
    return asked === mutant
  }
}

export const wasReached = (mutant: MutantName): boolean => reached.has(mutant)

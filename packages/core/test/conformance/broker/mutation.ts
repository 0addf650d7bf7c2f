import type { MutantName } from '../mutants.js'

/** Whether this is what is wrong on purpose. Always false where nothing is. */
export type Faulty = (mutant: MutantName) => boolean

const reached = new Set<MutantName>()

/** Remembers what was asked for: a mutant that nobody asks for is planted nowhere, or where no code comes by. */
export function planted(mutant: MutantName | undefined): Faulty {
  return (asked) => {
    reached.add(asked)
    return asked === mutant
  }
}

export const wasReached = (mutant: MutantName): boolean => reached.has(mutant)

/** A fault for the sources of an adapter: a mistake that a maintainer could make. */
export type Mutant = PlantedFault & (CaughtByCase | CaughtByTest)

interface PlantedFault {
  /** The name of the fault, such as `acknowledgesForeignClaims`. It is unique within the adapter. */
  readonly id: string
  /** The promise that the fault breaks, as one sentence. */
  readonly promise: string
  /** A fragment of the package's `src`, in any file. It has to occur once; white space in it does not matter. */
  readonly find: string
  /** The text that takes its place. */
  readonly replace: string
  /** Whether `npm test` tries the fault. The others are tried by `pnpm mutate:adapters` alone. Default: false. */
  readonly fast?: boolean
}

interface CaughtByCase {
  /** The id of the suite's case that notices the fault. */
  readonly case: string
}

interface CaughtByTest {
  /** The adapter's own test that notices the fault. The file is a path from the package's folder. */
  readonly test: { readonly file: string; readonly title: string }
  /** Says why no case of the suite can notice it. */
  readonly why: string
}

/** Returns the case or the test that has to notice the fault, as one text. */
export const nameOfCatcher = (mutant: Mutant): string =>
  'case' in mutant ? mutant.case : `${mutant.test.file} > ${mutant.test.title}`

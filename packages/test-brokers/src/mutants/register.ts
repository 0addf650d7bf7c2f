import type { Subject } from '@mq/core/conformance'
import { brokers, type Kind } from '../kinds.js'
import { type Laboratory, openLaboratory } from './laboratory.js'
import { type Mutant, nameOfCatcher } from './mutant.js'

/** The functions of vitest that `fastMutants` calls. */
interface Runner {
  readonly describe: { skipIf(condition: boolean): (name: string, register: () => void) => unknown }
  it(name: string, run: (context: { skip(note: string): void }) => Promise<void>, timeoutMs: number): unknown
  beforeAll(work: () => void): unknown
  afterAll(work: () => Promise<void>): unknown
}

/** The longest that one mutant may take on a busy machine. */
const timeoutMs = 300_000

/** Registers a test for each mutant of the fast set, which fails if what has to notice the fault does not. */
export function fastMutants(
  { describe, it, beforeAll, afterAll }: Runner,
  { kind, mutants, subject }: { readonly kind: Kind; readonly mutants: readonly Mutant[]; readonly subject: Subject },
): void {
  describe.skipIf(!brokers.wanted(kind))('the tests notice a fault that breaks a promise', () => {
    let laboratory: Laboratory
    beforeAll(() => {
      laboratory = openLaboratory({ kind, subject })
    })
    afterAll(async () => {
      await laboratory.close()
    })
    for (const mutant of mutants.filter(({ fast }) => fast)) {
      it(
        `${mutant.promise} (${mutant.id})`,
        async ({ skip }) => {
          const { caughtBy, omitted } = await laboratory.trial(mutant)
          // A broker that these tests do not own may lack what a case needs. Otherwise something is broken.
          if (omitted !== undefined && kind !== 'memory' && !brokers.owned(kind)) return skip(omitted)
          if (omitted !== undefined) throw new Error(omitted)
          if (caughtBy === undefined) throw new Error(`${nameOfCatcher(mutant)} passes although the fault is there`)
        },
        timeoutMs,
      )
    }
  })
}

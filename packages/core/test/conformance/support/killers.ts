import { allCases } from '../../../src/conformance/cases/index.js'
import type { ConformanceCase } from '../../../src/conformance/kit/case.js'
import { type LoadedSubject, loadSubject } from '../../../src/conformance/runner/environment.js'
import { createSession } from '../../../src/conformance/runner/run.js'
import { caseTimeoutMs } from '../../../src/conformance/runner/run-case.js'
import type { Subject } from '../../../src/conformance/subject.js'
import { planted } from '../broker/mutation.js'
import { createFaultyScheduler } from '../mutant-scheduler.js'
import { type MutantName, mutants } from '../mutants.js'
import { faultySubject } from '../subject.js'
import { capabilities } from './cases.js'

export interface Verdict {
  readonly mutant: MutantName
  readonly fault: string
  /** The failed cases with their reasons. Empty if the mutant survived. */
  readonly killers: readonly { readonly id: string; readonly reason: string }[]
  /** Whether one of them is named in `mutants.ts`. */
  readonly expected: boolean
  readonly durationMs: number
}

const parallel = 8

/** These look at the whole process, in which other mutants may run concurrently. */
const wholeProcess: readonly string[] = ['SHD-14', 'SHD-17', 'SHD-18', 'PUB-17']

const others = allCases.filter(({ id, long }) => !long && !wholeProcess.includes(id))

/** The cases that share a broker come first, because the others run one after another. */
const sharedFirst = [...others.filter((one) => !one.alone), ...others.filter((one) => one.alone)]

const knownKillers = (mutant: MutantName): readonly ConformanceCase[] => mutants[mutant].slice(1).map(caseOf)

/** Returns how long the named cases may take to catch the mutant. */
export const patienceMs = (mutant: MutantName): number =>
  Math.max(0, ...knownKillers(mutant).map((one) => caseTimeoutMs(one, capabilities)))

/** Runs the named cases against the mutant, and all other cases if none of these fails. */
export async function verdictOn(mutant: MutantName): Promise<Verdict> {
  const startedAt = performance.now()
  const known = knownKillers(mutant)
  const expected = await killersAmong(known, mutant)
  const killers = expected.length > 0 ? expected : await killersAmong(sharedFirst, mutant)
  const durationMs = Math.round(performance.now() - startedAt)
  return { mutant, fault: mutants[mutant][0], killers, expected: expected.length > 0, durationMs }
}

/** Creates a session in which the adapter and the schedulers have one fault, or none if no mutant is named. */
export async function createFaultySession(mutant?: MutantName) {
  const subject = faultySubject(mutant === undefined ? {} : { mutant }) as unknown as Subject
  const loaded: LoadedSubject = {
    ...(await loadSubject(subject)),
    createScheduler: (queue, options = {}) => createFaultyScheduler(queue, options, planted(mutant)),
  }
  return createSession(loaded, { seed: 1, long: true })
}

/** Returns the first cases that fail. */
async function killersAmong(cases: readonly ConformanceCase[], mutant: MutantName) {
  const session = await createFaultySession(mutant)
  const killers: { readonly id: string; readonly reason: string }[] = []
  let next = 0
  const runner = async (): Promise<void> => {
    while (next < cases.length && killers.length === 0) {
      const { id, status, reason = '' } = await session.run(cases[next++] as ConformanceCase)
      if (status === 'failed') killers.push({ id, reason })
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(parallel, cases.length) }, runner))
    return killers
  } finally {
    await session.close()
  }
}

function caseOf(id: string): ConformanceCase {
  const found = allCases.find((one) => one.id === id)
  if (found === undefined) throw new Error(`There is no case ${id}: mutants.ts names it`)
  return found
}

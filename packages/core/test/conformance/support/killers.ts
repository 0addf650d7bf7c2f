import type { ConformanceCase } from '../../../src/conformance/case.js'
import { allCases } from '../../../src/conformance/cases/index.js'
import { loadSubject } from '../../../src/conformance/environment.js'
import { createSession } from '../../../src/conformance/run.js'
import type { Subject } from '../../../src/conformance/subject.js'
import { type MutantName, mutants } from '../mutants.js'
import { faultySubject } from '../subject.js'

export interface Verdict {
  readonly mutant: MutantName
  readonly fault: string
  /** The cases that failed, each with what it said. Empty for a mutant that survived. */
  readonly killers: readonly { readonly id: string; readonly reason: string }[]
  /** Whether one of those was known before. */
  readonly expected: boolean
  readonly durationMs: number
}

export interface KillOptions {
  /** Whether to look further than the killers that are known. */
  readonly further?: boolean
  /** How many killers are enough. */
  readonly enough?: number
}

const parallel = 8

/** These look at the whole process, in which other mutants may run at the same time. */
const ofTheProcess: readonly string[] = ['SHD-14']

const others = allCases.filter(({ id }) => !ofTheProcess.includes(id))

/** Those that need a broker to themselves run one after the other. */
const quickOnesFirst = [...others.filter((one) => !one.alone), ...others.filter((one) => one.alone)]

/** Holds the mutant against the cases that are known to notice it, and against all others when none of these does. */
export async function verdictOn(
  mutant: MutantName,
  { further = false, enough = 1 }: KillOptions = {},
): Promise<Verdict> {
  const [fault, ...known] = mutants[mutant] as readonly [string, ...string[]]
  const startedAt = performance.now()
  const expected = known.map(caseOf)
  const unexpected = quickOnesFirst.filter((one) => !expected.includes(one))
  let killers = await killersAmong(expected, mutant, expected.length)
  const isExpected = killers.length > 0
  if (killers.length === 0 || further) killers = [...killers, ...(await killersAmong(unexpected, mutant, enough))]
  return { mutant, fault, killers, expected: isExpected, durationMs: Math.round(performance.now() - startedAt) }
}

/** Those of the named cases that fail. */
export const killersOf = (mutant: MutantName, ids: readonly string[]) =>
  killersAmong(ids.map(caseOf), mutant, ids.length)

async function killersAmong(cases: readonly ConformanceCase[], mutant: MutantName, enough: number) {
  const session = createSession(await loadSubject(faultySubject({ mutant }) as unknown as Subject), { seed: 1 })
  const killers: { readonly id: string; readonly reason: string }[] = []
  let next = 0
  const runner = async (): Promise<void> => {
    while (next < cases.length && killers.length < enough) {
      const { id, outcome, reason = '' } = await session.run(cases[next++] as ConformanceCase)
      if (outcome === 'failed') killers.push({ id, reason })
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

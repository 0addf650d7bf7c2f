import { afterAll, describe, expect, it } from 'vitest'
import { wasReached } from './broker/mutation.js'
import { type MutantName, mutantNames, mutants } from './mutants.js'
import { patienceMs, type Verdict, verdictOn } from './support/killers.js'

/** These affect the whole process, so they run alone, one after the other. */
const alone: readonly MutantName[] = [
  'leaksTimer',
  'unhandledRejection',
  'stopByTimeOfDay',
  'leaseByTimeOfDay',
  'listenerPerPublish',
]

/** The mutants whose cases may take longest come first. */
const together = mutantNames
  .filter((name) => !alone.includes(name))
  .sort((one, other) => patienceMs(other) - patienceMs(one))

/** Removes the listeners of the test runner, for which an unhandled rejection is a failure. */
async function withoutListeners<T>(work: () => Promise<T>): Promise<T> {
  const listeners = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  try {
    return await work()
  } finally {
    for (const listener of listeners) process.on('unhandledRejection', listener)
  }
}

const verdicts: Verdict[] = []

function requireKilled(verdict: Verdict): void {
  verdicts.push(verdict)
  const where = wasReached(verdict.mutant) ? 'although the fault was there' : 'because the fault was never reached'
  expect(verdict.killers.length, `every case of the suite passes, ${where}`).toBeGreaterThan(0)
}

const title = (mutant: MutantName): string => `${mutants[mutant][0]} (${mutant})`
const timeout = 600_000

describe('the suite notices an adapter that', () => {
  for (const mutant of together) {
    it.concurrent(title(mutant), { timeout }, async () => requireKilled(await verdictOn(mutant)))
  }
  for (const mutant of alone) {
    it(title(mutant), { timeout }, async () => requireKilled(await withoutListeners(() => verdictOn(mutant))))
  }

  afterAll(() => {
    console.log(table(verdicts))
  })
})

function table(all: readonly Verdict[]): string {
  const rows = all.map(({ mutant, killers, expected, fault }) => {
    const ids = killers.map(({ id }) => id).join(' ') || 'SURVIVES'
    const row = `${mutant.padEnd(30)} ${ids.padEnd(24)} ${fault}`
    return expected ? row : [row, ...killers.map(({ id, reason }) => `  not known before: ${id} ${reason}`)].join('\n')
  })
  const killed = all.filter(({ killers }) => killers.length > 0).length
  return [
    'mutant                         killed by                fault',
    ...rows,
    `${killed} of ${all.length} killed`,
  ].join('\n')
}

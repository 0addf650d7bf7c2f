import { afterAll, describe, expect, it } from 'vitest'
import { wasReached } from './broker/mutation.js'
import { type MutantName, mutantNames, mutants } from './mutants.js'
import { patienceMs, type Verdict, verdictOn } from './support/killers.js'

/** What these do is noticed for the whole process: they have it for themselves, one after the other. */
const alone: readonly MutantName[] = ['leaksTimer', 'unhandledRejection']

/** Those that take longest to be noticed begin. */
const together = mutantNames
  .filter((name) => !alone.includes(name))
  .sort((one, other) => patienceMs(other) - patienceMs(one))

/** The test runner takes a rejection that nobody handles for a failure of its own. */
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
    'mutant                         killed by                what is wrong',
    ...rows,
    `${killed} of ${all.length} killed`,
  ].join('\n')
}

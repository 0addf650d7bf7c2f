import fc from 'fast-check'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type Environment, loadSubject, startEnvironment } from '../../src/conformance/runner/environment.js'
import type { Subject } from '../../src/conformance/subject.js'
import { playHistory, type Step } from './history.js'
import { faultySubject } from './subject.js'

const group = fc.constantFrom('a' as const, 'b' as const)

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('publish' as const),
      count: fc.integer({ min: 1, max: 20 }),
      fate: fc.constantFrom('handled' as const, 'retried' as const, 'dead' as const),
      delayMs: fc.constantFrom(0, 0, 0, 30, 200),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('join' as const), group, concurrency: fc.integer({ min: 1, max: 10 }) }),
  },
  fc.record({ type: fc.constantFrom('leave' as const, 'vanish' as const, 'replay' as const, 'purge' as const), group }),
)

const disturbing: fc.Arbitrary<Step> = fc.record({
  type: fc.constantFrom('cut' as const, 'restart' as const, 'freeze' as const),
})

/**
 * A failure prints seed and path, which repeat it:
 * MQ_PROPERTY_SEED=1 MQ_PROPERTY_PATH=2:3 pnpm unit property
 */
const replay = {
  ...(process.env.MQ_PROPERTY_SEED !== undefined && { seed: Number(process.env.MQ_PROPERTY_SEED) }),
  ...(process.env.MQ_PROPERTY_PATH !== undefined && { path: process.env.MQ_PROPERTY_PATH }),
}

/** Gives each history a topic of its own. */
function anyHistory(name: string, subject: Subject, step: fc.Arbitrary<Step>, numRuns: number): void {
  describe(name, () => {
    let environment: Environment
    let played = 0
    beforeAll(async () => {
      environment = await startEnvironment(await loadSubject(subject))
    })
    afterAll(() => environment.close())

    it('accounts for every message in any history', { timeout: 120_000 + numRuns * 2_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), (history) =>
          playHistory(environment, `history.${played++}`, history),
        ),
        { numRuns, ...replay, endOnFailure: false },
      )
    })
  })
}

const numRuns = Number(process.env.MQ_PROPERTY_RUNS ?? 15)
const memory: Subject = {
  adapter: new URL('../../../memory/src/index.ts', import.meta.url),
  options: { url: 'memory://histories' },
}

anyHistory('memory', memory, steps, numRuns)
anyHistory('the test broker', faultySubject() as Subject, steps, numRuns)
anyHistory(
  'the test broker that is hurt',
  faultySubject() as Subject,
  fc.oneof({ weight: 3, arbitrary: steps }, disturbing),
  numRuns,
)

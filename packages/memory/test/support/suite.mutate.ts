import { runConformance } from '@mq/core/conformance'
import { expect, it } from 'vitest'

/** Twice what it takes with nothing wrong: a fault that makes it slower than that was noticed. */
const limitMs = 30_000

// One test for all cases: they run side by side, and Stryker has to know which test a line was run by.
it(
  'the suite holds',
  async () => {
    const failed = await new Promise<string | undefined>((resolve, reject) => {
      runConformance(
        {
          adapter: new URL('../../src/index.ts', import.meta.url),
          options: { url: 'memory://mutate' },
          quietMs: 60,
        },
        // At the first case that fails it is over; nobody waits for the deadlines of the others.
        { parallel: 16, seed: 1, onResult: ({ id, outcome }) => outcome === 'failed' && resolve(id) },
      ).then(() => resolve(undefined), reject)
    })
    expect(failed).toBeUndefined()
  },
  limitMs,
)

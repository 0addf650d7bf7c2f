import { runConformance } from '@mq/core/conformance'
import { expect, it } from 'vitest'

/** Over ten times what it takes without a fault: a fault that makes it slower than that counts as noticed. */
const limitMs = 10_000

/**
 * Cases that end within half a second, as each fault that the unit tests have not noticed costs as much as the slowest of
 * them. Left out: those that wait for their delays, which the memory adapter's own tests do on a clock of theirs; those that
 * need the broker to themselves; and tasks, of which nothing is mutated.
 */
const only = [
  ...['CNC', 'CON-9', 'DEL', 'DLQ', 'DLY-5', 'DLY-7', 'EPH', 'FLT', 'GRP', 'HEA', 'ORD', 'PAY', 'PUB', 'SEC', 'STA'],
  ...['RET-1', 'RET-2', 'RET-3', 'RET-4', 'RET-5', 'RET-12', 'RET-13'],
  ...['SHD-1', 'SHD-2', 'SHD-3', 'SHD-4', 'SHD-5', 'SHD-7', 'SHD-8', 'SHD-9', 'SHD-10'],
]

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
        // The first case that fails ends the test, without waiting for the timeouts of the others.
        { only, parallel: 100, seed: 1, onResult: ({ id, status }) => status === 'failed' && resolve(id) },
      ).then(() => resolve(undefined), reject)
    })
    expect(failed).toBeUndefined()
  },
  limitMs,
)

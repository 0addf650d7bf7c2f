import { conformance } from '@mq/core/conformance'
import { brokers, conformanceOptions } from '@mq/test-brokers'
import * as vitest from 'vitest'

await conformance(
  { ...vitest, describe: vitest.describe.skipIf(!brokers.wanted('memory')) },
  {
    adapter: new URL('../src/index.ts', import.meta.url),
    options: { url: 'memory://conformance' },
    quietMs: 100,
  },
  // Its cases wait for timers and for nothing else, so all of them may wait at the same time.
  { ...conformanceOptions('memory'), parallel: 250 },
)

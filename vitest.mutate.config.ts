import { defineConfig, mergeConfig } from 'vitest/config'
import { shared } from './vitest.shared.js'

const unit = [
  'dead-letters',
  'disconnect',
  'failure',
  'handler-timeout',
  'handling',
  'middleware',
  'retry-*',
  'subscribe',
]

/** What is to notice the faults of `pnpm mutate`: the unit tests of what is mutated, and the suite on the memory adapter. */
export default mergeConfig(
  { resolve: shared.resolve ?? {} },
  defineConfig({
    test: {
      include: [
        ...unit.map((name) => `packages/core/test/${name}.test.ts`),
        'packages/memory/test/{concurrency,delivery,failure,structures,time}.test.ts',
        'packages/memory/test/support/suite.mutate.ts',
      ],
      testTimeout: 10_000,
    },
  }),
)
